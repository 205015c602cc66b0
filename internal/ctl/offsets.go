package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/api/client"
)

func asStatus(err error, to **client.StatusError) bool { return errors.As(err, to) }

// canonical is a JSON text that is equal for equal values.
func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// topicPartition reads the partition of a sink's offset.
func topicPartition(p map[string]any) (text string, ok bool) {
	topic, is := p["kafka_topic"].(string)
	number, has := p["kafka_partition"]
	if !is || !has || len(p) != 2 {
		return "", false
	}
	return fmt.Sprintf("%s-%v", topic, number), true
}

func partitionText(p map[string]any) string {
	if text, ok := topicPartition(p); ok {
		return text
	}
	return canonical(p)
}

func offsetText(o map[string]any) string {
	if n, ok := o["kafka_offset"]; ok && len(o) == 1 {
		return fmt.Sprint(n)
	}
	if o == nil {
		return "none"
	}
	return canonical(o)
}

func (s *session) offsetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "offsets", Short: "Look at connectors' offsets and change them",
		Long: `Look at the offsets of connectors and change them: where a source reads on, and where the
consumer group of a sink does. To change them a connector must be stopped; --stop does
that, changes them and brings the connector back to the state it was in.`,
	}
	cmd.AddCommand(s.offsetsGet(), s.offsetsSet(), s.offsetsReset())
	return cmd
}

func (s *session) offsetsGet() *cobra.Command {
	return &cobra.Command{
		Use: "get NAME", Short: "Print a connector's offsets", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeConnector,
		Long: "Print a connector's offsets. What -o json and -o yaml print can be given to\noffsets set -f.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Offsets(cmd.Context(), args[0])
			if err != nil {
				return about(err, "offsets of %s", args[0])
			}
			if list == nil {
				list = []client.Offset{}
			}
			sortOffsets(list)
			t := newTable("PARTITION", "OFFSET")
			for _, o := range list {
				t.add(partitionText(o.Partition), offsetText(o.Offset))
			}
			if len(list) == 0 {
				s.notef("no offsets\n")
			}
			return s.show(map[string]any{"offsets": list}, t)
		},
	}
}

func sortOffsets(list []client.Offset) {
	slices.SortStableFunc(list, func(a, b client.Offset) int {
		x, y := partitionText(a.Partition), partitionText(b.Partition)
		if d := len(x) - len(y); d != 0 && strings.TrimRight(x, "0123456789") == strings.TrimRight(y, "0123456789") {
			return d
		}
		return strings.Compare(x, y)
	})
}

// offsetFlags are what set and reset have in common.
type offsetFlags struct {
	stop, plan bool
	backup     string
	timeout    time.Duration
}

func (f *offsetFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.stop, "stop", false, "stop the connector first, and bring it back to the state it was in")
	cmd.Flags().BoolVar(&f.plan, "plan", false, "show what would change, and change nothing")
	cmd.Flags().StringVar(&f.backup, "backup", "", "write the offsets as they are into this `file` first; offsets set -f takes it back")
	cmd.Flags().DurationVar(&f.timeout, "timeout", time.Minute, "how long --stop may take")
}

func (s *session) offsetsSet() *cobra.Command {
	var f offsetFlags
	var file string
	cmd := &cobra.Command{
		Use: "set NAME (-f FILE | TOPIC-PARTITION=OFFSET …)", Short: "Change a connector's offsets",
		Long: `Change single offsets of a connector. A file is what offsets get -o json prints; an
offset of null forgets that partition's. For sinks they may be given as arguments.`,
		Example: `  moldau connector offsets set my-sink orders-0=1500 orders-1=null --stop
  moldau connector offsets set my-source -f offsets.json --plan`,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: s.completeConnector,
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := s.wantedOffsets(file, args[1:])
			if err != nil {
				return err
			}
			return s.changeOffsets(cmd.Context(), args[0], f, wanted)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` of offsets, JSON or YAML; - is standard input")
	f.register(cmd)
	return cmd
}

func (s *session) offsetsReset() *cobra.Command {
	var f offsetFlags
	cmd := &cobra.Command{
		Use: "reset NAME", Short: "Forget all offsets of a connector", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeConnector,
		Long: `Forget all offsets of a connector: a source begins anew, a sink where auto.offset.reset
says (the beginning, by default).`,
		RunE: func(cmd *cobra.Command, args []string) error { return s.changeOffsets(cmd.Context(), args[0], f, nil) },
	}
	f.register(cmd)
	return cmd
}

func (s *session) wantedOffsets(file string, args []string) ([]client.Offset, error) {
	if (file == "") == (len(args) == 0) {
		return nil, usage("give the offsets either with -f FILE or as TOPIC-PARTITION=OFFSET")
	}
	if file != "" {
		return s.offsetsFile(file)
	}
	var out []client.Offset
	for _, arg := range args {
		where, value, ok := strings.Cut(arg, "=")
		dash := strings.LastIndexByte(where, '-')
		wrong := usage("%s is not TOPIC-PARTITION=OFFSET, such as orders-0=1500 or orders-0=null", arg)
		if !ok || dash < 1 {
			return nil, wrong
		}
		n, err := strconv.ParseInt(where[dash+1:], 10, 32)
		if err != nil || n < 0 {
			return nil, wrong
		}
		o := client.Offset{Partition: map[string]any{"kafka_topic": where[:dash], "kafka_partition": n}}
		if value != "null" {
			to, err := strconv.ParseInt(value, 10, 64)
			if err != nil || to < 0 {
				return nil, wrong
			}
			o.Offset = map[string]any{"kafka_offset": to}
		}
		out = append(out, o)
	}
	return out, nil
}

func (s *session) offsetsFile(file string) ([]client.Offset, error) {
	text, err := s.read(file)
	if err != nil {
		return nil, err
	}
	wrong := func(why any) error {
		return usage("%s: %v; it must be {\"offsets\": [{\"partition\": {…}, \"offset\": {…}}]}", file, why)
	}
	docs, err := documents(text)
	if err != nil {
		return nil, wrong(err)
	}
	if len(docs) != 1 {
		return nil, wrong("there is not one document")
	}
	v := docs[0]
	if m, ok := v.(map[string]any); ok {
		v = m["offsets"]
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, wrong("there are no offsets")
	}
	var out []client.Offset
	for _, e := range list {
		m, _ := e.(map[string]any)
		p, ok := m["partition"].(map[string]any)
		o, isMap := m["offset"].(map[string]any)
		if !ok || m["offset"] != nil && !isMap {
			return nil, wrong("an entry has no partition, or an offset that is no object")
		}
		out = append(out, client.Offset{Partition: p, Offset: o})
	}
	return out, nil
}

// changeOffsets shows what changes and changes it; wanted is nil to forget all.
func (s *session) changeOffsets(ctx context.Context, name string, f offsetFlags, wanted []client.Offset) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	current, err := c.Offsets(ctx, name)
	if err != nil {
		return about(err, "offsets of %s", name)
	}
	if f.backup != "" {
		text, err := toJSON(map[string]any{"offsets": append([]client.Offset{}, current...)})
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.backup, text, 0o600); err != nil {
			return usage("cannot write the backup: %v", err)
		}
	}
	if wanted == nil {
		for _, o := range current {
			wanted = append(wanted, client.Offset{Partition: o.Partition})
		}
		if len(wanted) == 0 {
			s.printf("connector %s has no offsets\n", name)
			return nil
		}
		s.printOffsetChanges(name, current, wanted)
		return s.withStopped(ctx, c, name, f, func() (string, error) { return c.ResetOffsets(ctx, name) })
	}
	s.printOffsetChanges(name, current, wanted)
	return s.withStopped(ctx, c, name, f, func() (string, error) { return c.AlterOffsets(ctx, name, wanted) })
}

func (s *session) printOffsetChanges(name string, current, wanted []client.Offset) {
	y := s.style()
	before := map[string]map[string]any{}
	for _, o := range current {
		before[partitionText(o.Partition)] = o.Offset
	}
	sorted := slices.Clone(wanted)
	sortOffsets(sorted)
	s.printf("%s\n", y.yellow("~ offsets of "+name))
	for _, o := range sorted {
		where := partitionText(o.Partition)
		if from, to := offsetText(before[where]), offsetText(o.Offset); from != to {
			s.printf("    %s  %s → %s\n", where, from, to)
		} else {
			s.printf("    %s  %s (as it is)\n", where, to)
		}
	}
}

// withStopped does something to a connector that is stopped for it, if that is asked
// for, and brings it back to where it was, come what may.
func (s *session) withStopped(ctx context.Context, c *client.REST, name string, f offsetFlags, do func() (string, error)) (err error) {
	if f.plan {
		return nil
	}
	if f.stop {
		status, err := c.ConnectorStatus(ctx, name)
		if err != nil {
			return about(err, "connector %s", name)
		}
		if was := status.Connector.State; was != "STOPPED" {
			if err := c.Stop(ctx, name); err != nil {
				return about(err, "stopping %s", name)
			}
			defer func() { err = s.bringBack(ctx, c, name, was, err) }()
			if err := s.wait(ctx, c, []string{name}, wish{state: "STOPPED", timeout: f.timeout}); err != nil {
				return err
			}
		}
	}
	said, err := do()
	if err != nil {
		return about(err, "offsets of %s", name)
	}
	s.printf("%s\n", said)
	return nil
}

func (s *session) bringBack(ctx context.Context, c *client.REST, name, was string, err error) error {
	// The change may have been interrupted, but the connector must not stay stopped.
	ctx = context.WithoutCancel(ctx)
	back := c.Resume
	if was == "PAUSED" {
		back = c.Pause
	}
	if backErr := back(ctx, name); backErr != nil {
		f := *explain(backErr)
		f.text = fmt.Sprintf("connector %s is stopped and could not be brought back: %s", name, f.text)
		f.next("moldau connector resume %s", name)
		if err == nil {
			return &f
		}
		return join([]error{err, &f})
	}
	if was == "PAUSED" {
		s.printf("connector %s paused again\n", name)
	} else {
		s.printf("connector %s resumed\n", name)
	}
	return err
}
