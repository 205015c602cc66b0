package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/test/refstack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	bin            string
	runs           int
	lines, size    int
	connectors     int
	warm, measured time.Duration
	only           string
}

func parseOptions(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.bin, "moldau", os.Getenv("MOLDAU_BIN"), "the `binary` to measure (MOLDAU_BIN)")
	flags.IntVar(&o.runs, "runs", 3, "rounds of each measurement, of which the median counts")
	flags.IntVar(&o.lines, "lines", 500_000, "lines that each pipeline moves")
	flags.IntVar(&o.size, "size", 200, "bytes of a line")
	flags.DurationVar(&o.warm, "warm", 4*time.Second, "CPU time before a converter is measured")
	flags.DurationVar(&o.measured, "measure", time.Second, "CPU time for which a converter is measured")
	flags.IntVar(&o.connectors, "connectors", 1000, "connectors of one task each that a cluster runs")
	flags.StringVar(&o.only, "only", "", "only the `part` \"workers\" (start-up, pipelines), \"fleet\" (a cluster with many connectors) or \"codecs\" (converters, transforms)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q; what can be set are flags, see -help", flags.Arg(0))
	case o.runs < 1:
		err = fmt.Errorf("-runs is %d, want 1 or more", o.runs)
	case o.lines <= held:
		err = fmt.Errorf("-lines is %d, want more than %d", o.lines, held)
	case o.size < 20:
		err = fmt.Errorf("-size is %d, want 20 or more", o.size)
	case o.connectors < 3:
		err = fmt.Errorf("-connectors is %d, want 3 or more", o.connectors)
	case o.only != "" && o.only != "workers" && o.only != "fleet" && o.only != "codecs":
		err = fmt.Errorf("-only is %q, want workers, fleet or codecs", o.only)
	case o.bin == "" && o.only != "codecs":
		err = errors.New("no binary to measure: set -moldau or MOLDAU_BIN, as make bench does")
	}
	return o, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	if done, err := part(ctx, args, stdout); done {
		return err
	}
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "moldau-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, out: stdout, news: stderr}
	if _, err := exec.LookPath("javac"); err == nil {
		if b.stack, err = refstack.New(filepath.Join(dir, "stack")); err != nil {
			return err
		}
	} else {
		b.say("there is no javac here: the broker is the embedded one, and nothing is compared with Apache Connect")
	}
	fmt.Fprintf(stdout, "%d runs each, the median; %d lines of %d bytes; %s, %d CPUs, %s\n",
		o.runs, o.lines, o.size, runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"workers", b.workers}, {"fleet", b.fleets}, {"codecs", b.codecs}} {
		if o.only == "" || o.only == part.name {
			if err := part.run(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// bench is one run of this program.
type bench struct {
	options
	dir string
	// stack is nil where there is no Java.
	stack *refstack.Stack
	out   io.Writer
	news  io.Writer
}

// say tells how far the program is, apart from the tables.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.news, format+"\n", args...) }

// print writes a table under a title.
func (b *bench) print(title string, t *table) error {
	if _, err := fmt.Fprintf(b.out, "\n%s\n\n", title); err != nil {
		return err
	}
	return t.write(b.out)
}

// startBroker starts the real broker, or the embedded one where there is no Java.
func (b *bench) startBroker(ctx context.Context) (addr string, stop func() error, err error) {
	if b.stack == nil {
		broker, err := kafka.StartBroker(kafka.BrokerConfig{DataDir: filepath.Join(b.dir, "broker"), NoSync: true})
		if err != nil {
			return "", nil, err
		}
		return broker.Addr(), broker.Close, nil
	}
	b.say("starting Kafka")
	// The stack is taken down after an interrupt, too.
	stop = func() error { return b.stack.Down(context.WithoutCancel(ctx)) }
	if err := b.stack.Up(ctx, refstack.Kafka); err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return b.stack.Addr(refstack.Kafka), stop, nil
}

// workers measures start-up, idle memory and the pipelines.
func (b *bench) workers(ctx context.Context) (err error) {
	addr, stop, err := b.startBroker(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	contestants := []contestant{moldauWorker(b.bin, addr)}
	if b.stack != nil {
		contestants = append(contestants, apacheWorker(addr))
	}
	running, err := b.startUp(ctx, contestants)
	defer func() {
		for _, w := range running {
			err = errors.Join(err, w.stop())
		}
	}()
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer client.Close()
	p := &pipelines{admin: kadm.NewClient(client), broker: addr, dir: b.dir, file: filepath.Join(b.dir, "lines.txt"), lines: b.lines, size: int64(b.lines) * int64(b.size+1)}
	if err := writeLines(p.file, b.lines, b.size); err != nil {
		return err
	}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	t := &table{head: []string{"work", "bare franz-go", "Moldau", "Apache Connect", "Moldau : bare", "Moldau : Apache"}}
	for _, work := range []struct {
		name string
		run  func(context.Context, *worker) (sample, error)
	}{{"FileStream source → topic", p.source}, {"topic → FileStream sink", p.sink}} {
		samples, err := b.race(ctx, work.name, append([]*worker{nil}, running...), work.run)
		if err != nil {
			return err
		}
		addPipeline(t, work.name, samples)
	}
	return b.print("### Pipelines", t)
}

// startUp starts each kind of worker b.runs times on an empty group, and leaves one of
// each running.
func (b *bench) startUp(ctx context.Context, contestants []contestant) (running []*worker, err error) {
	took, idle := make([][]time.Duration, len(contestants)), make([][]int64, len(contestants))
	for round := range b.runs {
		for i, c := range contestants {
			b.say("start-up, round %d: %s", round+1, c.name)
			w, err := launch(ctx, c, fmt.Sprintf("bench-%d-%d", i, round), b.dir)
			if err != nil {
				return running, err
			}
			running = append(running, w)
			if err := pause(ctx, 5*time.Second); err != nil {
				return running, err
			}
			mem, err := memoryOf(w.cmd.Process.Pid)
			if err != nil {
				return running, err
			}
			took[i], idle[i] = append(took[i], w.took), append(idle[i], mem.now)
			if round < b.runs-1 {
				running = running[:len(running)-1]
				if err := w.stop(); err != nil {
					return running, err
				}
			}
		}
	}
	t := &table{head: []string{"worker", "Moldau", "Apache Connect", "Moldau : Apache"}}
	start, memory := []string{"process start → healthy, on REST"}, []string{"memory (RSS) idle, 5 s later"}
	var starts, memories [2]float64
	for i := range contestants {
		starts[i], memories[i] = median(took[i]).Seconds(), float64(median(idle[i]))
		start, memory = append(start, seconds(median(took[i]))), append(memory, mebibytes(median(idle[i])))
	}
	for len(start) < 3 {
		start, memory = append(start, ""), append(memory, "")
	}
	t.add(append(start, ratio(starts[0], starts[1]))...)
	t.add(append(memory, ratio(memories[0], memories[1]))...)
	return running, b.print("### A worker without work", t)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// race runs a pipeline with each contestant in turn, b.runs times after a round that
// does not count. The bare loop is the worker nil.
func (b *bench) race(ctx context.Context, name string, workers []*worker, run func(context.Context, *worker) (sample, error)) ([][]sample, error) {
	samples := make([][]sample, len(workers))
	for round := range b.runs + 1 {
		for i, w := range workers {
			who := "bare franz-go"
			if w != nil {
				who = w.name
			}
			s, err := run(ctx, w)
			if err != nil {
				return nil, err
			}
			b.say("%s, round %d: %s: %v, CPU %v, peak %s", name, round, who, s.wall.Round(time.Millisecond), s.cpu, mebibytes(s.peak))
			if round > 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	return samples, nil
}

// addPipeline adds the rows of one pipeline: bare loop, Moldau and, if measured, Apache.
func addPipeline(t *table, name string, samples [][]sample) {
	for _, row := range []struct {
		name  string
		get   func(sample) float64
		print func(float64) string
	}{
		{"records/s", func(s sample) float64 { return rate(s.records, s.wall) }, count},
		{"records per CPU-second", func(s sample) float64 { return rate(s.records, s.cpu) }, count},
		{"peak memory (RSS)", func(s sample) float64 { return float64(s.peak) }, func(f float64) string { return mebibytes(int64(f)) }},
	} {
		var n [3]float64
		for i, s := range samples {
			n[i] = of(s, row.get)
		}
		t.add(name+", "+row.name, row.print(n[0]), row.print(n[1]), row.print(n[2]), ratio(n[1], n[0]), ratio(n[1], n[2]))
	}
}

// codecs measures converters and transforms.
func (b *bench) codecs(ctx context.Context) error {
	dir := filepath.Join(b.dir, "records")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeInputs(dir); err != nil {
		return err
	}
	sides := []func(context.Context, string, string, time.Duration, time.Duration) (codecResult, error){goCodec}
	if b.stack != nil {
		jars, err := b.stack.Jars(ctx)
		if err != nil {
			return err
		}
		java, err := compileJava(ctx, jars, b.dir)
		if err != nil {
			return err
		}
		sides = append(sides, java.run)
	}
	t := &table{head: []string{"records per CPU-second", "Moldau", "Apache's classes", "Moldau : Apache"}}
	for _, c := range codecCases {
		var rates [2][]float64
		var size int64
		for range b.runs {
			for i, side := range sides {
				r, err := side(ctx, c.name, dir, b.warm, b.measured)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				if size == 0 {
					size = r.bytes
				}
				if r.bytes != size {
					return fmt.Errorf("%s: results of %d and of %d bytes: the two sides do not do the same work", c.name, size, r.bytes)
				}
				rates[i] = append(rates[i], rate(r.records, r.cpu))
			}
		}
		ours, theirs := median(rates[0]), median(rates[1])
		b.say("%s: %s, %s, %s; runs %s", c.name, count(ours), count(theirs), ratio(ours, theirs), spread(rates[:]))
		t.add(c.label, count(ours), count(theirs), ratio(ours, theirs))
	}
	return b.print("### Converters and transforms", t)
}

// spread prints all numbers of both sides, to show how steady they are.
func spread(sides [][]float64) string {
	var words []string
	for _, side := range sides {
		for _, f := range side {
			words = append(words, strconv.FormatFloat(f, 'f', 0, 64))
		}
	}
	return strings.Join(words, " ")
}
