package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/moldau-io/moldau/internal/dlq"
	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/preview"
	"github.com/moldau-io/moldau/runtime/settings"
)

// dlqFlags say how to reach the brokers.
type dlqFlags struct{ brokers, config string }

func (f *dlqFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.brokers, "bootstrap-server", "localhost:9092", "host:port of brokers, separated by commas")
	cmd.Flags().StringVar(&f.config, "command-config", "", "a properties file with more settings of the Kafka client, such as security.protocol")
}

func (f *dlqFlags) open(topic string) (*dlq.Queue, error) {
	props := map[string]string{}
	if f.config != "" {
		more, err := settings.LoadProperties(f.config)
		if err != nil {
			return nil, err
		}
		maps.Copy(props, more)
	}
	props["bootstrap.servers"] = f.brokers
	return dlq.Open(props, kafka.Env{}, topic), nil
}

func newDLQCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Read dead-letter topics, and replay what is in them",
		Long: `Sinks with errors.tolerance=all and errors.deadletterqueue.topic.name write records that
they cannot handle to a dead-letter topic. These commands show what is there and why,
and write the records again once the cause is gone.`,
	}
	cmd.AddCommand(newDLQInspectCommand(), newDLQReplayCommand())
	return cmd
}

func newDLQInspectCommand() *cobra.Command {
	var (
		f       dlqFlags
		samples int
		format  string
	)
	cmd := &cobra.Command{
		Use:   "inspect TOPIC",
		Short: "Group the letters of a dead-letter topic by cause",
		Long: `Read a dead-letter topic to its end and group its letters by what went wrong: connector,
stage, class, exception and message, quoted texts and numbers aside. Of each cause some
letters are shown as they were read, with the place they came from.`,
		Example: "  moldau dlq inspect orders-dlq --bootstrap-server kafka:9092 --samples 3",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "table" && format != "json" {
				return fmt.Errorf("--output %s: it is table or json", format)
			}
			if samples < 0 {
				return fmt.Errorf("--samples %d: it cannot be negative", samples)
			}
			q, err := f.open(args[0])
			if err != nil {
				return err
			}
			replayed, err := q.Replayed(cmd.Context())
			if err != nil {
				return err
			}
			sum := dlq.NewSummary(args[0])
			if err := q.Each(cmd.Context(), func(l dlq.Letter) error {
				sum.Add(l, replayed[l.Mark()], samples)
				return nil
			}); err != nil {
				return err
			}
			sum.Sort()
			if format == "json" {
				return sum.JSON(cmd.OutOrStdout())
			}
			return sum.Print(cmd.OutOrStdout())
		},
	}
	f.register(cmd)
	cmd.Flags().IntVar(&samples, "samples", 1, "how many letters of each cause to show")
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json; in JSON keys, values and headers are base64")
	return cmd
}

func newDLQReplayCommand() *cobra.Command {
	var (
		f      dlqFlags
		o      dlq.Replay
		config string
		toSink bool
	)
	cmd := &cobra.Command{
		Use:   "replay TOPIC",
		Short: "Write the letters of a dead-letter topic again, each once",
		Long: `Write letters again, with their keys, values, headers and times but without the headers
that tell of their failure, to the topic each came from, or to --to.

With --config each letter first goes through the converters and transforms of that
connector configuration, and those that would fail again are left and listed.

Letters are written in transactions that also mark them in the topic TOPIC-replayed, so
a letter is never written twice, also when this command is killed and started again, or
runs twice at a time. --dry-run writes nothing.

With --to-sink letters go to no topic: a task of the connector of --config runs in this
process and is given them, with the topic, partition and offset where they were first
read. They are marked once the task says that they are safe, so a replay that is killed
can give the last batch again. Use it for letters that other consumers of the topic must
not see again.

Exit status: 0 if all letters that were chosen are written, 1 if some would fail again
or on errors.`,
		Example: `  moldau dlq replay orders-dlq --config connector.json --dry-run
  moldau dlq replay orders-dlq --config connector.json --cause 1f6c09a2
  moldau dlq replay orders-dlq --config connector.json --to-sink`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Limit < 0 {
				return fmt.Errorf("--limit %d: it cannot be negative; 0 is no limit", o.Limit)
			}
			if toSink && (config == "" || o.To != "") {
				return errors.New("--to-sink needs the connector's configuration (--config), and no --to")
			}
			q, err := f.open(args[0])
			if err != nil {
				return err
			}
			if config != "" {
				text, err := os.ReadFile(config)
				if err != nil {
					return err
				}
				props, err := preview.ReadConfig(text)
				if err != nil {
					return fmt.Errorf("--config %s: %w", config, err)
				}
				if toSink && !o.DryRun {
					return replayToSink(cmd.Context(), cmd, q, o, props)
				}
				o.Passes = dlq.Preview(preview.New(standard.Registry(), time.Now), props, cmd.ErrOrStderr())
			}
			return replay(cmd.Context(), cmd, q, o)
		},
	}
	f.register(cmd)
	cmd.Flags().StringArrayVar(&o.Causes, "cause", nil, "replay only letters of this cause, as inspect shows it; may be given more than once")
	cmd.Flags().StringVar(&o.To, "to", "", "the topic to write to, instead of the one each letter came from")
	cmd.Flags().StringVar(&config, "config", "", "a connector's JSON; letters that would fail with it are left")
	cmd.Flags().BoolVar(&toSink, "to-sink", false, "give the letters to a task of the connector of --config, in this process, instead of writing them to a topic")
	cmd.Flags().IntVar(&o.Limit, "limit", 0, "how many letters to write at the most; 0 is all")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "say what would be written, and write nothing")
	return cmd
}

// replayToSink runs the connector's task for the time of a replay.
func replayToSink(ctx context.Context, cmd *cobra.Command, q *dlq.Queue, o dlq.Replay, props map[string]string) (err error) {
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	sink, err := dlq.OpenSink(ctx, standard.Registry(), props, cmd.ErrOrStderr(), log)
	if err != nil {
		return err
	}
	// A replay that is interrupted stops the task all the same.
	defer func() { err = errors.Join(err, sink.Close(context.WithoutCancel(ctx))) }()
	o.Deliver, o.Connector = sink.Deliver, sink.Name()
	return replay(ctx, cmd, q, o)
}

func replay(ctx context.Context, cmd *cobra.Command, q *dlq.Queue, o dlq.Replay) error {
	sum, err := q.Replay(ctx, o)
	verb := "replayed"
	if o.DryRun {
		verb = "would be replayed"
	}
	_, printErr := fmt.Fprintf(cmd.OutOrStdout(), "%d %s, %d replayed before, %d would fail again, %d of other causes\n", sum.Replayed, verb, sum.Before, sum.Fail, sum.Other)
	if err := errors.Join(err, printErr); err != nil {
		return err
	}
	if sum.Fail > 0 {
		return &exitError{1}
	}
	return nil
}
