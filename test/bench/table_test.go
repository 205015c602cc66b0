package main

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	tab := table{head: []string{"work", "n", "×"}}
	tab.add("a|b", "1,000", "2.00×")
	tab.add("long name", "5")
	var b strings.Builder
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"| work      |     n |     × |\n" +
		"|-----------|------:|------:|\n" +
		"| a\\|b      | 1,000 | 2.00× |\n" +
		"| long name |     5 |       |\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestCells(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{ratio(3, 2), "1.50×"}, {ratio(1, 40), "0.025×"}, {ratio(0, 2), ""}, {ratio(2, 0), ""},
		{count(0), ""}, {count(7), "7"}, {count(999.6), "1,000"}, {count(123456), "123,456"}, {count(1234567), "1,234,567"},
		{mebibytes(0), ""}, {mebibytes(3 << 19), "1.5 MiB"},
		{seconds(0), ""}, {seconds(1250 * time.Millisecond), "1.25 s"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
