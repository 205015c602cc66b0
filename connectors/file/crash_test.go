package file

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
)

var errCrashed = errors.New("crashed")

// crashingFile ends a process at one of its points, which lie before, between and
// after all writes and syncs: nothing has any effect after that. It knows what a loss
// of power leaves.
type crashingFile struct {
	at, points int
	text       string
	synced     int // bytes that a loss of power leaves
}

func (f *crashingFile) do(change func()) error {
	if f.points == f.at {
		return errCrashed // for ever
	}
	f.points++
	change()
	if f.points == f.at {
		return errCrashed
	}
	return nil
}

func (f *crashingFile) Write(b []byte) (int, error) {
	err := f.do(func() { f.text += string(b) })
	return len(b), err
}

func (f *crashingFile) Sync() error { return f.do(func() { f.synced = len(f.text) }) }

func (f *crashingFile) Close() error { return nil }

// Each write and each sync of a sink is a crash point, taken once for each way to
// crash. Another task goes on at the offset that was committed; every line is there
// then, the first time in order.
func TestSinkCrashPoints(t *testing.T) {
	want := strings.Split("a b c d e f g h i", " ")
	rs := lines(want...)
	tp := connect.TopicPartition{Topic: "t"}
	// run writes from an offset on and returns what was committed.
	run := func(f *crashingFile, from int64) (committed int64, err error) {
		tk := &sinkTask{out: f, file: f, regular: true}
		for committed = from; from < int64(len(rs)); from += 2 {
			next := min(from+2, int64(len(rs)))
			if err := tk.Put(t.Context(), rs[from:next]); err != nil {
				return committed, err
			}
			if from%4 == 0 {
				continue // a commit for every other batch
			}
			offsets, err := tk.PreCommit(t.Context(), map[connect.TopicPartition]int64{tp: next})
			if err != nil {
				return committed, err
			}
			committed = offsets[tp]
		}
		return committed, nil
	}
	for _, power := range []bool{false, true} {
		at := 0
		for ; ; at++ {
			f := &crashingFile{at: at}
			committed, err := run(f, 0)
			if err != nil && !errors.Is(err, errCrashed) {
				t.Fatal(err)
			}
			ended := err == nil
			if power {
				f.text = f.text[:f.synced]
			}
			again := &crashingFile{at: -1, text: f.text}
			if _, err := run(again, committed); err != nil {
				t.Fatal(err)
			}
			var first []string
			for _, line := range strings.Fields(again.text) {
				if !slices.Contains(first, line) {
					first = append(first, line)
				}
			}
			if !slices.Equal(first, want) {
				t.Errorf("crash at point %d, power lost: %v: %q after offset %d", at, power, again.text, committed)
			}
			if ended {
				break
			}
		}
		if want := 5 + 2 + 1; at != want { // five writes, two syncs, and the run without a crash
			t.Errorf("%d points, want %d", at, want)
		}
	}
}
