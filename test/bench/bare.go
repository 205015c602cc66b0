package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// bareSource reads lines of a file into a topic: the loop that one would write by hand.
// The client is set as Connect sets that of a source task: acks=all, one request in
// flight, no idempotence, no compression, 5 ms of linger.
func bareSource(ctx context.Context, broker, topic, file string) (err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(5*time.Millisecond),
		kgo.ProducerBatchMaxBytes(1<<20), kgo.MaxBufferedRecords(1<<20), kgo.MaxBufferedBytes(32<<20))
	if err != nil {
		return err
	}
	defer client.Close()
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		client.Produce(ctx, &kgo.Record{Value: bytes.Clone(lines.Bytes())}, func(_ *kgo.Record, err error) {
			if err != nil {
				cancel(err)
			}
		})
	}
	if err := errors.Join(lines.Err(), client.Flush(ctx)); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// bareSink writes the first records of a topic to a file, a line each.
func bareSink(ctx context.Context, broker, topic, file string, records int) (err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMinBytes(1))
	if err != nil {
		return err
	}
	defer client.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := bufio.NewWriterSize(f, 256<<10)
	for n := 0; n < records; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			// A writer's error is kept and given by Flush.
			out.Write(r.Value)
			out.WriteByte('\n')
			n++
		})
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// part runs this program's parts that are measured as processes of their own. done is
// false where the arguments name none.
func part(ctx context.Context, args []string, stdout io.Writer) (done bool, err error) {
	if len(args) == 0 {
		return false, nil
	}
	wants := map[string]int{"bare-source": 4, "bare-sink": 5, "codec": 5}
	want, known := wants[args[0]]
	if !known {
		return false, nil
	}
	if len(args) != want {
		return true, fmt.Errorf("%s takes %d arguments, not %d", args[0], want-1, len(args)-1)
	}
	switch args[0] {
	case "bare-source":
		return true, bareSource(ctx, args[1], args[2], args[3])
	case "bare-sink":
		records, err := strconv.Atoi(args[4])
		if err != nil {
			return true, err
		}
		return true, bareSink(ctx, args[1], args[2], args[3], records)
	}
	warm, err := time.ParseDuration(args[3])
	if err != nil {
		return true, err
	}
	measured, err := time.ParseDuration(args[4])
	if err != nil {
		return true, err
	}
	result, err := measureCodec(ctx, args[1], args[2], warm, measured)
	if err != nil {
		return true, err
	}
	_, err = fmt.Fprintln(stdout, result)
	return true, err
}
