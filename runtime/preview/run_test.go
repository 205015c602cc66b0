package preview_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/preview"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestRunPrints(t *testing.T) {
	cases := []struct {
		golden, config, input string
		opts                  preview.Options
		sum                   preview.Summary
	}{
		{golden: "mask.printed", config: "mask", input: "mask", sum: preview.Summary{Records: 10, Dropped: 1, Failed: 5}},
		{golden: "mask.explain", config: "mask", input: "mask", opts: preview.Options{Explain: true, Topic: "given"},
			sum: preview.Summary{Records: 10, Dropped: 1, Failed: 5}},
		{golden: "mask.failfast", config: "mask", input: "mask", opts: preview.Options{FailFast: true}, sum: preview.Summary{Records: 3, Failed: 1}},
		{golden: "source.printed", config: "source", input: "source", sum: preview.Summary{Records: 3, Failed: 1}},
		{golden: "source.bytes", config: "source", input: "source", opts: preview.Options{Bytes: true}, sum: preview.Summary{Records: 3, Failed: 1}},
		{golden: "wrong.printed", config: "wrong", input: "source"},
		{golden: "refused.printed", config: "refused", input: "source"},
	}
	now := func() time.Time { return time.UnixMilli(1700000000000) }
	for _, c := range cases {
		t.Run(c.golden, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata", c.config+".json"))
			if err != nil {
				t.Fatal(err)
			}
			config, err := preview.ReadConfig(raw)
			if err != nil {
				t.Fatal(err)
			}
			in, err := os.Open(filepath.Join("testdata", c.input+".in"))
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			var out bytes.Buffer
			sum, err := preview.New(standard.Registry(), now).Run(context.Background(), preview.Job{Options: c.opts, Config: config}, in, &out)
			var wrong *preview.ConfigError
			if expected := c.sum.Records == 0; err != nil && !(expected && errors.As(err, &wrong)) || err == nil && expected {
				t.Fatal(err)
			}
			if sum != c.sum {
				t.Errorf("counted %+v, want %+v", sum, c.sum)
			}
			file := filepath.Join("testdata", c.golden)
			if *update {
				if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("printed\n%s\nwant\n%s", out.Bytes(), want)
			}
		})
	}
}

func TestReadConfig(t *testing.T) {
	for text, want := range map[string]string{
		`{"name":"n","config":{"a":1}}`: "1",
		`{"a":"1","b":null}`:            "1",
		`{"a":{}}`:                      "",
		`[]`:                            "",
	} {
		c, err := preview.ReadConfig([]byte(text))
		if (err != nil) != (want == "") || c["a"] != want {
			t.Errorf("%s: %v %v", text, c, err)
		}
	}
}

// Every kind of line gets an answer, and no line more than one.
func FuzzRun(f *testing.F) {
	for _, file := range []string{"mask.in", "source.in"} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			f.Add(line)
		}
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "mask.json"))
	if err != nil {
		f.Fatal(err)
	}
	config, err := preview.ReadConfig(raw)
	if err != nil {
		f.Fatal(err)
	}
	engine := preview.New(standard.Registry(), time.Now)
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		sum, err := engine.Run(context.Background(), preview.Job{Config: config}, bytes.NewReader(in), &out)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(out.Bytes(), []byte("\n")); n != sum.Records {
			t.Fatalf("%d records, %d answers", sum.Records, n)
		}
	})
}
