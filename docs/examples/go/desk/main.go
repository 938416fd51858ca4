// Opens a ticket, hands it to somebody, resolves it, and asks about it: go run ./desk [NATS_URL]
package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
)

type object map[string]interface{}

// Refusal says no; asking again would not help.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Passes by itself: it says nothing about the command.
func (r *Refusal) passes() bool {
	return r.Code == "busy" || r.Code == "unavailable" || r.Code == "outcome_unknown"
}

type reply struct {
	OK       bool            `json:"ok"`
	Error    *Refusal        `json:"error"`
	Number   string          `json:"number"`
	Position uint64          `json:"position"`
	Data     json.RawMessage `json:"data"`
}

func request(nc *nats.Conn, subject string, body []byte, wait time.Duration) (*reply, error) {
	message, err := nc.Request(subject, body, wait)
	if err != nil {
		return nil, err
	}
	answer := &reply{}
	if err := json.Unmarshal(message.Data, answer); err != nil {
		return nil, err
	}
	if !answer.OK {
		return nil, answer.Error
	}
	return answer, nil
}

// Sends one command until its outcome is known. A time-out means unknown, never no; the same id is done once.
func command(nc *nats.Conn, entity, verb string, data object) (*reply, error) {
	actor := object{"kind": "agent", "id": "alice"}
	body, err := json.Marshal(object{"command_id": uuid(), "actor": actor, "data": data})
	if err != nil {
		return nil, err
	}
	// Tenant `default`, and the name under which we call.
	subject := fmt.Sprintf("guichet.v1.cmd.default.shop.%s.%s", entity, verb)
	for pause := 100 * time.Millisecond; ; pause *= 2 {
		answer, err := request(nc, subject, body, 5*time.Second)
		var refusal *Refusal
		passes := errors.As(err, &refusal) && refusal.passes()
		if !passes && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, nats.ErrNoResponders) {
			return answer, err
		}
		if pause > 2*time.Second {
			pause = 2 * time.Second
		}
		time.Sleep(pause)
	}
}

func query(nc *nats.Conn, name string, question object, data interface{}) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	answer, err := request(nc, "guichet.v1.query.default.shop."+name, body, 10*time.Second)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer.Data, data)
}

func uuid() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		log.Fatal(err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Where the desk of `guichet serve` is, and how callers get in: it says so in its data folder, here or above.
func running() string {
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if text, err := os.ReadFile(filepath.Join(folder, "guichet-data", "run.json")); err == nil {
			run := struct {
				URL string `json:"nats_url"`
			}{}
			if err := json.Unmarshal(text, &run); err != nil {
				log.Fatal(err)
			}
			return run.URL
		}
		if folder == filepath.Dir(folder) {
			break
		}
	}
	log.Fatal("no guichet runs here; name its NATS server")
	return ""
}

func main() {
	log.SetFlags(0)
	url := ""
	if len(os.Args) > 1 {
		url = os.Args[1]
	} else {
		url = running()
	}
	nc, err := nats.Connect(url)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()

	must := func(answer *reply, err error) *reply {
		if err != nil {
			log.Fatal(err)
		}
		return answer
	}
	ticket := uuid()
	created := must(command(nc, ticket, "create", object{
		"subject": "VPN drops", "description": "Every ten minutes.", "channel": "email", "requester": object{"id": "r-1"},
	}))
	must(command(nc, ticket, "assign", object{"assignee": "bob", "group": "network"}))
	resolved := must(command(nc, ticket, "resolve", object{"code": "configuration", "summary": "A new profile."}))

	// Read models follow the log. Who wants to see the own commands says how far the answer must be.
	var view struct{ Number, State, Assignee string }
	question := object{"number": created.Number, "min_position": resolved.Position, "wait_ms": 5000}
	if err := query(nc, "ticket", question, &view); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s is %s, assigned to %s, at position %d\n", view.Number, view.State, view.Assignee, resolved.Position)

	var rows []struct{ Created, Resolved uint64 }
	question = object{"period": "day", "zone": "UTC", "min_position": resolved.Position, "wait_ms": 5000}
	var refusal *Refusal
	switch err := query(nc, "report_backlog", question, &rows); {
	case errors.As(err, &refusal):
		fmt.Println("no report:", refusal)
	case err != nil:
		log.Fatal(err)
	default:
		today := rows[len(rows)-1]
		fmt.Printf("today: %d created, %d resolved\n", today.Created, today.Resolved)
	}
}
