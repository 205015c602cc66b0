package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// The kinds of records that converters and transforms are measured on: a small object,
// one of the shape of a Wikipedia change, and the small one with its schema.
const (
	flat      = "flat"
	event     = "event"
	enveloped = "enveloped"
)

// inputs is how many different records of each kind there are.
const inputs = 1000

// writeInputs makes a file of JSON lines for each kind in dir, the same ones each time.
func writeInputs(dir string) error {
	random := rand.New(rand.NewPCG(1, 2))
	for kind, generate := range map[string]func(*rand.Rand) string{flat: flatRecord, event: eventRecord, enveloped: envelopedRecord} {
		var b strings.Builder
		for range inputs {
			b.WriteString(generate(random))
			b.WriteByte('\n')
		}
		if err := os.WriteFile(inputFile(dir, kind), []byte(b.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func inputFile(dir, kind string) string { return filepath.Join(dir, kind+".jsonl") }

// readInputs reads a kind's records, as bytes.
func readInputs(dir, kind string) ([][]byte, error) {
	text, err := os.ReadFile(inputFile(dir, kind))
	if err != nil {
		return nil, err
	}
	var records [][]byte
	for line := range strings.Lines(string(text)) {
		records = append(records, []byte(strings.TrimSuffix(line, "\n")))
	}
	return records, nil
}

// writeLines makes a file of lines of size bytes each, without counting the newline.
func writeLines(file string, lines, size int) error {
	random := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	b.Grow(lines * (size + 1))
	for i := range lines {
		line := fmt.Sprintf("%012d ", i)
		for len(line) < size {
			line += word(random) + " "
		}
		b.WriteString(line[:size])
		b.WriteByte('\n')
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}

func word(r *rand.Rand) string {
	const letters = "etaoinshrdlucmfw"
	b := make([]byte, 3+r.IntN(8))
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

func words(r *rand.Rand, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = word(r)
	}
	return strings.Join(all, " ")
}

func flatRecord(r *rand.Rand) string {
	return fmt.Sprintf(`{"id":%d,"name":"%s","email":"%s@example.org","age":%d,"amount":%d.%d5,"active":%t,"city":"%s","secret":"%s","created":%d,"note":null}`,
		r.IntN(1e6), words(r, 2), word(r), r.IntN(90), r.IntN(1000), r.IntN(9), r.IntN(2) == 0, word(r), word(r), 1_700_000_000_000+r.Int64N(1e9))
}

func envelopedRecord(r *rand.Rand) string {
	return fmt.Sprintf(`{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"name"},`+
		`{"type":"string","optional":true,"field":"email"},{"type":"int32","optional":false,"field":"age"},{"type":"double","optional":true,"field":"amount"},`+
		`{"type":"boolean","optional":false,"field":"active"},{"type":"struct","fields":[{"type":"string","optional":false,"field":"city"},`+
		`{"type":"string","optional":true,"field":"zip"}],"optional":true,"name":"Address","field":"address"},{"type":"string","optional":true,"field":"secret"},`+
		`{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"created"},`+
		`{"type":"array","items":{"type":"string","optional":false},"optional":true,"field":"tags"}],"optional":false,"name":"Person"},`+
		`"payload":{"id":%d,"name":"%s","email":"%s@example.org","age":%d,"amount":%d.%d5,"active":%t,"address":{"city":"%s","zip":"%05d"},"secret":"%s","created":%d,"tags":["%s","%s"]}}`,
		r.IntN(1e6), words(r, 2), word(r), r.IntN(90), r.IntN(1000), r.IntN(9), r.IntN(2) == 0, word(r), r.IntN(1e5), word(r),
		1_700_000_000_000+r.Int64N(1e9), word(r), word(r))
}

func eventRecord(r *rand.Rand) string {
	title, id, old := words(r, 2), r.IntN(2e9), r.IntN(1e9)
	return fmt.Sprintf(`{"$schema":"/mediawiki/recentchange/1.0.0","meta":{"uri":"https://en.wikipedia.org/wiki/%s","request_id":"%08x-6f1a-4d6b-9d43-4a3c2a1f7b5e",`+
		`"id":"%08x-1f3b-4a8e-8d5c-0f1e2d3c4b5a","dt":"2024-02-29T12:%02d:%02dZ","domain":"en.wikipedia.org","stream":"mediawiki.recentchange",`+
		`"topic":"eqiad.mediawiki.recentchange","partition":0,"offset":%d},"id":%d,"type":"edit","namespace":%d,"title":"%s","title_url":"https://en.wikipedia.org/wiki/%s",`+
		`"comment":"/* History */ added a \"%s\" – %s","timestamp":%d,"user":"Bedřich %s","bot":%t,"notify_url":"https://en.wikipedia.org/w/index.php?diff=%d&oldid=%d",`+
		`"minor":%t,"patrolled":false,"length":{"old":%d,"new":%d},"revision":{"old":%d,"new":%d},"server_url":"https://en.wikipedia.org","server_name":"en.wikipedia.org",`+
		`"server_script_path":"/w","wiki":"enwiki","parsedcomment":"<span class=\"autocomment\">History</span> added a &quot;%s&quot;"}`,
		word(r), r.Uint32(), r.Uint32(), r.IntN(60), r.IntN(60), 4_900_000_000+r.Int64N(1e8), id, r.IntN(15), title, word(r),
		word(r), words(r, 5), 1_700_000_000+r.IntN(1e7), word(r), r.IntN(2) == 0, id, old, r.IntN(2) == 0, r.IntN(1e5), r.IntN(1e5), old, id, word(r))
}
