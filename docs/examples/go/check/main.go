// Checks that a record stands in the log, without a line of Guichet: only with golang.org/x/mod/sumdb.
//
//	check KEY PROOF RECORD
//
// KEY is log.vkey, PROOF a .tlog-proof, RECORD the bytes of the record. Exit code 1 when the proof does not hold.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: check KEY PROOF RECORD")
		os.Exit(2)
	}
	if err := check(read(os.Args[1]), read(os.Args[2]), read(os.Args[3])); err != nil {
		fmt.Fprintln(os.Stderr, "does not hold:", err)
		os.Exit(1)
	}
	fmt.Println("holds")
}

func check(key, proof, record []byte) error {
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return err
	}
	head, checkpoint, found := strings.Cut(string(proof), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 {
		return fmt.Errorf("no tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var hashes tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	// The signature of the log over: its name, its size, its root.
	signed, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	says := strings.Split(signed.Text, "\n")
	if len(says) < 3 || says[0] != verifier.Name() {
		return fmt.Errorf("the checkpoint is not of this log")
	}
	size, err := strconv.ParseInt(says[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(says[2])
	if err != nil {
		return err
	}
	return tlog.CheckRecord(hashes, size, root, index, tlog.RecordHash(record))
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return content
}
