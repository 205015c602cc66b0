package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// pieces gives its pieces one by one, with nothing between them.
type pieces struct {
	list  []string
	pause bool
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.pause = !p.pause; p.pause || len(p.list) == 0 {
		return 0, nil
	}
	n := copy(b, p.list[0])
	if p.list[0] = p.list[0][n:]; p.list[0] == "" {
		p.list = p.list[1:]
	}
	return n, nil
}

func readLines(t *testing.T, src io.Reader) (lines []string, consumed int) {
	t.Helper()
	r := newLineReader(src)
	var kept [][]byte
	for idle := 0; idle < 4; {
		line, newline, ok := r.next()
		if ok {
			kept = append(kept, line)
			consumed += len(line) + newline
			continue
		}
		n, err := r.fill()
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if n == 0 {
			idle++
		} else {
			idle = 0
		}
	}
	// Lines are looked at last: none may change once it was handed out.
	for _, l := range kept {
		lines = append(lines, string(l))
	}
	return lines, consumed
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []string
		want []string
		rest int
	}{
		{"LF", []string{"a\n\nccc\n"}, []string{"a", "", "ccc"}, 0},
		{"CR, the last one waits", []string{"a\rb\r\rc\r"}, []string{"a", "b", ""}, 2},
		{"CR goes on", []string{"a\r", "b\n"}, []string{"a", "b"}, 0},
		{"CR LF in two reads", []string{"a\r", "\nb\r", "\n"}, []string{"a", "b"}, 0},
		{"mixed", []string{"a\r\r\nb\n\rc\n"}, []string{"a", "", "b", "", "c"}, 0},
		{"unfinished", []string{"a\nbc"}, []string{"a"}, 2},
		{"nothing", nil, nil, 0},
		{"byte by byte", strings.Split("ab\ncd\r\nef\r\n", ""), []string{"ab", "cd", "ef"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, consumed := readLines(t, &pieces{list: slices.Clone(c.in)})
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if rest := len(strings.Join(c.in, "")) - consumed; rest != c.rest {
				t.Errorf("%d bytes are left, want %d", rest, c.rest)
			}
		})
	}
}

func TestLongLines(t *testing.T) {
	var want []string
	for i := range 40 {
		want = append(want, strings.Repeat(string(rune('a'+i%26)), i*i*937))
	}
	got, _ := readLines(t, strings.NewReader(strings.Join(want, "\r\n")+"\n"))
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Error("long lines have changed")
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\n\rc"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		var list []string
		for rest := string(in); rest != ""; {
			n := min(len(rest), int(step)%9+1)
			list, rest = append(list, rest[:n]), rest[n:]
		}
		got, consumed := readLines(t, &pieces{list: list})
		// Java's BufferedReader.readLine, less what is unfinished.
		text := string(in[:consumed])
		norm := strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
		want := strings.Split(norm, "\n")
		want = want[:len(want)-1]
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if rest := in[consumed:]; bytes.ContainsAny(rest, "\n") || bytes.IndexByte(rest, '\r') >= 0 && bytes.IndexByte(rest, '\r') < len(rest)-1 {
			t.Fatalf("%q is left over", rest)
		}
	})
}

func BenchmarkLines(b *testing.B) {
	text := []byte(strings.Repeat(strings.Repeat("x", 199)+"\n", 50_000))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r := newLineReader(bytes.NewReader(text))
		for n := 0; n < 50_000; {
			line, _, ok := r.next()
			if !ok {
				if _, err := r.fill(); err != nil {
					b.Fatal(err)
				}
				continue
			}
			decode(line)
			n++
		}
	}
}
