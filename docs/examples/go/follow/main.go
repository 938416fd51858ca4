// Follows the events into FOLDER/events.jsonl, each exactly once: go run ./follow FOLDER [NATS_URL [LOG_VKEY]]
//
// Kill it whenever you like. FOLDER/position.json says how far the output is known to be whole: at a start what
// stands behind it is cut off and read again.
//
// A broker stores what it is sent, and headers are no proof of who sent it. So a line is written once the log has signed
// a checkpoint that covers its event, at most a second after the event, and only where the events read so far have the
// root that was signed. LOG_VKEY is the public key of the log (default: guichet-data/log.vkey); without one the
// checkpoints are taken as they come.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/mod/sumdb/note"
)

const stream = "GUICHET_EVENTS_0"

type state struct {
	Position uint64 `json:"position"`
	Hash     string `json:"hash"`
	// Bytes of the output that hold the events up to that position.
	Length int64 `json:"length"`
	// The right edge of the RFC 6962 tree over them, in hex: a hash for each 1 in the position. Absent: nothing is proven.
	Tree []string `json:"tree"`
}

type line struct {
	Position uint64 `json:"position"`
	Type     string `json:"type"`
	Subject  string `json:"subject"`
	Time     string `json:"time"`
	Hash     string `json:"hash"`
}

// An event that was read, and is not signed yet.
type pending struct {
	line []byte
	hash []byte
}

type checkpoint struct {
	size uint64
	root []byte
}

type output struct {
	// What is signed and written.
	state
	path    string
	lines   *os.File
	key     note.Verifier
	pending []pending
	// The last event read.
	position uint64
	hash     string
	// The checkpoint that is waited for, and the newest.
	target, newest *checkpoint
}

func open(folder string, key note.Verifier) (*output, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	out := &output{path: filepath.Join(folder, "position.json"), key: key}
	saved, err := os.ReadFile(out.path)
	if err == nil {
		err = json.Unmarshal(saved, &out.state)
	}
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if out.Tree == nil {
		// A state of before there were trees proves nothing: then all is read again.
		out.state = state{Hash: strings.Repeat("0", 64), Tree: []string{}}
	}
	out.position, out.hash = out.Position, out.Hash
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
	if position != out.position+1 {
		return fmt.Errorf("position %d follows %d: the stream has lost events, ask guichet.v1.log.0 for them", position, out.position)
	}
	if message.Header.Get("Guichet-Prev-Hash") != out.hash {
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
	out.pending = append(out.pending, pending{append(written, '\n'), sum[:]})
	out.position, out.hash = position, hash
	return out.settle()
}

// A checkpoint, signed by the log or not believed.
func (out *output) told(text []byte) error {
	if out.key != nil {
		signed, err := note.Open(text, note.VerifierList(out.key))
		if err != nil {
			return err
		}
		text = []byte(signed.Text)
	}
	says := strings.Split(string(text), "\n")
	if len(says) < 3 || out.key != nil && says[0] != out.key.Name() {
		return fmt.Errorf("the checkpoint is not of this log")
	}
	size, err := strconv.ParseUint(says[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := base64.StdEncoding.DecodeString(says[2])
	if err != nil {
		return err
	}
	out.newest = &checkpoint{size, root}
	return out.settle()
}

// Writes what is signed, and nothing else.
func (out *output) settle() error {
	for {
		if out.target == nil && out.newest != nil && out.newest.size > out.Position {
			out.target = out.newest
		}
		if out.target == nil || out.target.size > out.position {
			return nil
		}
		from, taken := out.Position+1, out.pending[:out.target.size-out.Position]
		tree, err := decoded(out.Tree)
		if err != nil {
			return err
		}
		var text []byte
		for i, one := range taken {
			tree = add(tree, out.Position+uint64(i), one.hash)
			text = append(text, one.line...)
		}
		if !bytes.Equal(root(tree), out.target.root) {
			return fmt.Errorf("positions %d to %d are not what the log has signed: somebody else wrote into the stream, or it was damaged; nothing of them was written", from, out.target.size)
		}
		n, err := out.lines.Write(text)
		if err != nil {
			return err
		}
		out.state = state{out.target.size, hex.EncodeToString(taken[len(taken)-1].hash), out.Length + int64(n), encoded(tree)}
		out.pending, out.target = out.pending[len(taken):], nil
		if err := out.save(); err != nil {
			return err
		}
	}
}

// The edge of a tree of this size, with one more leaf.
func add(edge [][]byte, size uint64, leaf []byte) [][]byte {
	for ; size&1 == 1; size >>= 1 {
		leaf, edge = node(edge[len(edge)-1], leaf), edge[:len(edge)-1]
	}
	return append(edge, leaf)
}

func root(edge [][]byte) []byte {
	root := edge[len(edge)-1]
	for i := len(edge) - 2; i >= 0; i-- {
		root = node(edge[i], root)
	}
	return root
}

func node(left, right []byte) []byte {
	sum := sha256.Sum256(append(append([]byte{1}, left...), right...))
	return sum[:]
}

func decoded(texts []string) ([][]byte, error) {
	var edge [][]byte
	for _, text := range texts {
		hash, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		edge = append(edge, hash)
	}
	return edge, nil
}

func encoded(edge [][]byte) []string {
	texts := []string{}
	for _, hash := range edge {
		texts = append(texts, hex.EncodeToString(hash))
	}
	return texts
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
	return os.Rename(out.path+".new", out.path)
}

// The checkpoint in a TileBatch: protobuf, field 1, bytes. None: the engine is busy, or has none.
func firstField(answer []byte) []byte {
	if len(answer) > 1 && answer[0] == 0x0a {
		length, n := binary.Uvarint(answer[1:])
		if rest := answer[1:]; n > 0 && length <= uint64(len(rest)-n) {
			return rest[n : n+int(length)]
		}
	}
	return nil
}

func follow(folder, url string, key note.Verifier) error {
	out, err := open(folder, key)
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
	checkpoints := make(chan *nats.Msg, 64)
	if _, err := nc.ChanSubscribe("guichet.v1.checkpoint.0", checkpoints); err != nil {
		return err
	}
	// An ordered consumer keeps nothing at the server: the position is ours.
	messages := make(chan *nats.Msg, 1024)
	start := nats.StartSequence(out.position + 1)
	if _, err := js.ChanSubscribe("guichet.v1.evt.>", messages, nats.BindStream(stream), nats.OrderedConsumer(), start); err != nil {
		return err
	}
	// The newest one, for what was signed before we listened; again now and then, for one that was lost.
	answers := make(chan *nats.Msg, 1)
	go func() {
		for {
			if answer, err := nc.Request("guichet.v1.tile.0", nil, 5*time.Second); err == nil {
				answers <- answer
			}
			time.Sleep(10 * time.Second)
		}
	}()
	for {
		select {
		case message := <-messages:
			about, err := message.Metadata()
			if err != nil {
				return err
			}
			if err := out.add(message, about.Sequence.Stream); err != nil {
				return err
			}
		case told := <-checkpoints:
			if err := out.told(told.Data); err != nil {
				return err
			}
		case answer := <-answers:
			if text := firstField(answer.Data); text != nil {
				if err := out.told(text); err != nil {
					return err
				}
			}
		}
	}
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
	args := []string{"", "", "", "guichet-data/log.vkey"}
	copy(args, os.Args)
	if len(os.Args) < 2 {
		log.Fatal("usage: follow FOLDER [NATS_URL [LOG_VKEY]]")
	}
	if args[2] == "" {
		args[2] = running()
	}
	var key note.Verifier
	text, err := os.ReadFile(args[3])
	if err == nil {
		key, err = note.NewVerifier(strings.TrimSpace(string(text)))
	}
	if os.IsNotExist(err) {
		log.Printf("no %s: the signatures of checkpoints are not checked", args[3])
	} else if err != nil {
		log.Fatal(err)
	}
	log.Fatal(follow(args[1], args[2], key))
}
