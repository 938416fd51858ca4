// Follows the events into FOLDER/events.jsonl, each exactly once: go run ./follow FOLDER [NATS_URL]
//
// Kill it whenever you like. FOLDER/position.json says how far the output is known to be whole: at a start what
// stands behind it is cut off and read again.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
)

const stream = "GUICHET_EVENTS_0"

// Saving waits for the disk: so often while there is more to come, and whenever we have caught up.
const saveEvery = 100

type state struct {
	Position uint64 `json:"position"`
	Hash     string `json:"hash"`
	// Bytes of the output that hold the events up to that position.
	Length int64 `json:"length"`
}

type line struct {
	Position uint64 `json:"position"`
	Type     string `json:"type"`
	Subject  string `json:"subject"`
	Time     string `json:"time"`
	Hash     string `json:"hash"`
}

type output struct {
	state
	path    string
	lines   *os.File
	unsaved int
}

func open(folder string) (*output, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	out := &output{path: filepath.Join(folder, "position.json"), state: state{Hash: strings.Repeat("0", 64)}}
	saved, err := os.ReadFile(out.path)
	if err == nil {
		err = json.Unmarshal(saved, &out.state)
	}
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	out.lines, err = os.OpenFile(filepath.Join(folder, "events.jsonl"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	// What was written after the last save may be half a line.
	if err := out.lines.Truncate(out.Length); err != nil {
		return nil, err
	}
	_, err = out.lines.Seek(0, io.SeekEnd)
	return out, err
}

func (out *output) add(message *nats.Msg, position uint64) error {
	if position != out.Position+1 {
		return fmt.Errorf("position %d follows %d: the stream has lost events, ask guichet.v1.log.0 for them", position, out.Position)
	}
	if message.Header.Get("Guichet-Prev-Hash") != out.Hash {
		return fmt.Errorf("position %d does not continue what we know: another history stands in the stream", position)
	}
	// The hash of a record is that of a leaf in RFC 6962. The record itself is protobuf: schemas/proto/.
	sum := sha256.Sum256(append([]byte{0}, message.Data...))
	hash := hex.EncodeToString(sum[:])
	if message.Header.Get("Guichet-Hash") != hash {
		return fmt.Errorf("position %d was changed on its way", position)
	}
	// The client library keeps the names of headers as they came: ours are lower case.
	header := func(name string) string { return message.Header.Get(name) }
	written, err := json.Marshal(line{position, header("ce-type"), header("ce-subject"), header("ce-time"), hash})
	if err != nil {
		return err
	}
	n, err := out.lines.Write(append(written, '\n'))
	out.Position, out.Hash, out.Length = position, hash, out.Length+int64(n)
	out.unsaved++
	return err
}

// The lines first, then, in one step, the position that counts on them.
func (out *output) save() error {
	if err := out.lines.Sync(); err != nil {
		return err
	}
	text, err := json.Marshal(out.state)
	if err != nil {
		return err
	}
	file, err := os.Create(out.path + ".new")
	if err != nil {
		return err
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	out.unsaved = 0
	return os.Rename(out.path+".new", out.path)
}

func follow(folder, url string) error {
	out, err := open(folder)
	if err != nil {
		return err
	}
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		return err
	}
	// An ordered consumer keeps nothing at the server: the position is ours.
	messages := make(chan *nats.Msg, 1024)
	start := nats.StartSequence(out.Position + 1)
	if _, err := js.ChanSubscribe("guichet.v1.evt.>", messages, nats.BindStream(stream), nats.OrderedConsumer(), start); err != nil {
		return err
	}
	for message := range messages {
		about, err := message.Metadata()
		if err != nil {
			return err
		}
		if err := out.add(message, about.Sequence.Stream); err != nil {
			return err
		}
		if about.NumPending == 0 || out.unsaved >= saveEvery {
			if err := out.save(); err != nil {
				return err
			}
		}
	}
	return nil
}

func main() {
	log.SetFlags(0)
	url := nats.DefaultURL
	if len(os.Args) > 2 {
		url = os.Args[2]
	}
	if len(os.Args) < 2 {
		log.Fatal("usage: follow FOLDER [NATS_URL]")
	}
	log.Fatal(follow(os.Args[1], url))
}
