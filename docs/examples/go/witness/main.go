// A witness: it keeps the newest checkpoint that it has seen, and takes a newer one only with the proof that the log
// still begins with all that was in the one before. So whoever runs the log cannot roll it back to an older copy, or
// tell two stories, without the witness seeing it: a valid signature is not enough.
//
//	witness KEY FOLDER KEPT
//
// KEY is log.vkey, FOLDER what `guichet audit FOLDER` wrote, KEPT the file in which the witness keeps its checkpoint:
// put it where who runs the log cannot write. Exit code 1 when the log is not believed; KEPT is then left as it is.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Levels of the tree that one tile spans: C2SP tlog-tiles.
const height = 8

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: witness KEY FOLDER KEPT")
		os.Exit(2)
	}
	size, err := witness(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "not believed:", err)
		os.Exit(1)
	}
	fmt.Println("witnessed", size)
}

func witness(keyFile, folder, kept string) (int64, error) {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return 0, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return 0, err
	}
	newest, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return 0, err
	}
	tree, err := open(newest, verifier)
	if err != nil {
		return 0, err
	}
	before, err := os.ReadFile(kept)
	if err == nil {
		old, err := open(before, verifier)
		if err != nil {
			return 0, fmt.Errorf("what we kept: %w", err)
		}
		if err := consistent(old, tree, folder); err != nil {
			return 0, err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	if err := os.WriteFile(kept+".next", newest, 0o644); err != nil {
		return 0, err
	}
	return tree.N, os.Rename(kept+".next", kept)
}

func open(checkpoint []byte, verifier note.Verifier) (tlog.Tree, error) {
	signed, err := note.Open(checkpoint, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 3 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("the checkpoint is not of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func consistent(old, now tlog.Tree, folder string) error {
	if now.N < old.N {
		return fmt.Errorf("the log has %d records, but had %d: it was rolled back", now.N, old.N)
	}
	if old.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(now.N, old.N, tlog.TileHashReader(now, tiles(folder)))
	if err == nil {
		err = tlog.CheckTree(proof, now.N, now.Hash, old.N, old.Hash)
	}
	if err != nil {
		return fmt.Errorf("the log does not begin with the %d records that it had: %w", old.N, err)
	}
	return nil
}

// Tiles in a folder.
type tiles string

func (tiles) Height() int { return height }

func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(wanted))
	for i, tile := range wanted {
		// The library names the height in the path, C2SP does not.
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		content, err := os.ReadFile(filepath.Join(string(folder), path))
		if err != nil {
			return nil, err
		}
		read[i] = content
	}
	return read, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
