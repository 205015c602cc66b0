package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/moldau-io/moldau/internal/demo"
	"github.com/moldau-io/moldau/internal/node"
)

func newDemoCommand() *cobra.Command {
	var d node.Dev
	var stream demo.StreamOptions
	var elasticsearch string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the Wikipedia recent-changes pipeline with everything it needs",
		Long: `Run Wikipedia's recent changes → an embedded Kafka broker → a file of JSON lines, or
Elasticsearch with --elasticsearch. REST API and status page are up as with 'moldau dev'.

The live stream is read where it can be reached; otherwise, or with --offline, events of
the same shape are made up. --recording replays a recorded stream. A second run goes on
where the first one stopped.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if elasticsearch != "" {
				if u, err := url.Parse(elasticsearch); err != nil || u.Host == "" {
					return fmt.Errorf("--elasticsearch %s is not a URL such as http://localhost:9200", elasticsearch)
				}
			}
			if stream.Rate < 0 {
				return fmt.Errorf("--rate %v: events a second cannot be negative; 0 is as fast as possible", stream.Rate)
			}
			return runDemo(cmd, d, stream, elasticsearch, verbose)
		},
	}
	devFlags(cmd, &d, "moldau-demo")
	cmd.Flags().BoolVar(&stream.Offline, "offline", false, "make events up instead of reading the live stream")
	cmd.Flags().StringVar(&stream.Recording, "recording", "", "replay a recorded stream of server-sent events from this file")
	cmd.Flags().Float64Var(&stream.Rate, "rate", 50, "events a second that are made up or replayed; 0 is as fast as possible")
	cmd.Flags().StringVar(&elasticsearch, "elasticsearch", "", "index into Elasticsearch at this URL instead of writing a file")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the worker's log, not only warnings")
	return cmd
}

func runDemo(cmd *cobra.Command, d node.Dev, stream demo.StreamOptions, elasticsearch string, verbose bool) (err error) {
	if d.DataDir, err = filepath.Abs(d.DataDir); err != nil {
		return err
	}
	stream.Dir = d.DataDir
	source, stop, err := demo.Stream(cmd.Context(), stream)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	shown := make(chan error, 1)
	running := false
	err = runDev(cmd, d, func(o *node.Options) {
		if !verbose {
			o.Levels.Set("root", "WARN")
		}
	}, func(a node.Addresses, broker string) {
		running = true
		go func() {
			shown <- demo.Run(ctx, demo.Options{
				REST: a.REST, Kafka: broker, Dir: d.DataDir, Source: source, Elasticsearch: elasticsearch,
				Out: cmd.OutOrStdout(), Terminal: term.IsTerminal(int(os.Stdout.Fd())),
			})
		}()
	})
	cancel()
	if running {
		err = errors.Join(err, <-shown)
	}
	return err
}
