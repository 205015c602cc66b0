//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/convert"
	"github.com/moldau-io/moldau/runtime/preview"
	"github.com/moldau-io/moldau/test/differential"
	"github.com/moldau-io/moldau/test/vectors"
)

// Connect's own classes and ours are given the same cases, made at random.
// MOLDAU_SEED repeats a run, MOLDAU_CASES is their number.
func TestDifferential(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("MOLDAU_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano()) % 1e6
	}
	n, err := strconv.Atoi(os.Getenv("MOLDAU_CASES"))
	if err != nil {
		n = 10000
	}
	t.Logf("MOLDAU_SEED=%d", seed)
	g, err := differential.New(seed)
	if err != nil {
		t.Fatal(err)
	}
	oracle := compileOracle(t)
	for _, kind := range []struct {
		name string
		next func(string) ([]byte, error)
		ours func(context.Context, io.Reader, io.Writer) error
	}{
		{"transforms", g.Transform, func(ctx context.Context, r io.Reader, w io.Writer) error {
			_, err := preview.New(standard.Registry(), time.Now).Batch(ctx, r, w)
			return err
		}},
		{"converters", g.Converter, func(ctx context.Context, r io.Reader, w io.Writer) error {
			_, err := convert.New(standard.Registry()).Batch(ctx, r, w)
			return err
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			var lines [][]byte
			for i := range n {
				line, err := kind.next(fmt.Sprintf("%s-%d", kind.name, i))
				if err != nil {
					t.Fatal(err)
				}
				lines = append(lines, line)
			}
			in := append(bytes.Join(lines, []byte{'\n'}), '\n')
			want := answers(t, oracle, in, len(lines))
			var out bytes.Buffer
			if err := kind.ours(t.Context(), bytes.NewReader(in), &out); err != nil {
				t.Fatal(err)
			}
			got := results(t, out.Bytes(), len(lines))
			compared, differ := 0, 0
			for i, line := range lines {
				if string(want[i]) == `{"invalid":true}` {
					continue
				}
				if holdsIdentity(want[i]) {
					continue
				}
				// There is one kind of map here (docs/divergences.md).
				want[i] = bytes.ReplaceAll(want[i], []byte("java.util.LinkedHashMap"), []byte("java.util.HashMap"))
				compared++
				if err := vectors.Compare(want[i], got[i]); err != nil {
					if differ++; differ <= 40 {
						t.Errorf("%v\n%s\nConnect: %.1000s\n   ours: %.1000s", err, line, want[i], got[i])
					}
				}
			}
			t.Logf("%d cases compared, %d differ", compared, differ)
			if compared < n/4 {
				t.Errorf("only %d of %d cases could be read", compared, n)
			}
		})
	}
}

// holdsIdentity says whether a result holds the address of a Java object, which is
// another in each run.
func holdsIdentity(result []byte) bool {
	var r struct{ Bytes []byte }
	return bytes.Contains(result, []byte("[B@")) || json.Unmarshal(result, &r) == nil && bytes.Contains(r.Bytes, []byte("[B@"))
}

// compileOracle returns the command that answers cases with Connect's classes.
func compileOracle(t *testing.T) []string {
	t.Helper()
	jars, err := servers.Jars(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	classes, jars := t.TempDir(), filepath.Join(jars, "*")
	if out, err := exec.Command("javac", "-nowarn", "-cp", jars, "-d", classes, filepath.Join("..", "differential", "Oracle.java")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return []string{"java", "-Duser.timezone=UTC", "-Duser.language=en", "-Duser.country=US", "-cp", classes + string(filepath.ListSeparator) + jars, "Oracle", classes}
}

func answers(t *testing.T, oracle []string, in []byte, n int) []json.RawMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, oracle[0], oracle[1:]...)
	var out, words bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, tail(words.Bytes(), 3000))
	}
	return results(t, out.Bytes(), n)
}

func results(t *testing.T, out []byte, n int) []json.RawMessage {
	t.Helper()
	var list []json.RawMessage
	for _, line := range bytes.Split(bytes.TrimSpace(out), []byte{'\n'}) {
		var answer struct{ Result json.RawMessage }
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, answer.Result)
	}
	if len(list) != n {
		t.Fatalf("%d answers to %d cases", len(list), n)
	}
	return list
}
