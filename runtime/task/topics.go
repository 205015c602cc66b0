package task

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const topicsRetry = time.Second

// followTopics adds the topics that match topics.regex to those that are consumed,
// now and whenever new ones appear. Topics that are gone are left to the consumer.
func (s *Sink) followTopics(ctx context.Context) {
	known := map[string]bool{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(s.cfg.MetadataInterval)
		topics, err := s.listTopics(ctx)
		if err != nil {
			if ctx.Err() == nil {
				s.log.Warn("Could not list topics to match them with topics.regex", "pattern", s.cfg.TopicsPattern, "error", err)
			}
			timer.Reset(min(topicsRetry, s.cfg.MetadataInterval))
			continue
		}
		var added []string
		for _, topic := range topics {
			if known[topic] {
				continue
			}
			ok, err := s.cfg.TopicsRegex.Matches(topic)
			if err != nil {
				s.log.Warn("Could not match a topic with topics.regex", "pattern", s.cfg.TopicsPattern, "topic", topic, "error", err)
			}
			if ok {
				known[topic] = true
				added = append(added, topic)
			}
		}
		if len(added) > 0 {
			slices.Sort(added)
			s.log.Info("Consuming topics that match topics.regex", "pattern", s.cfg.TopicsPattern, "topics", added)
			s.client.AddConsumeTopics(added...)
		}
	}
}

// listTopics returns the names of all topics but Kafka's own.
func (s *Sink) listTopics(ctx context.Context) ([]string, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, t := range resp.Topics {
		if t.Topic == nil || t.IsInternal || kerr.ErrorForCode(t.ErrorCode) != nil {
			continue
		}
		out = append(out, *t.Topic)
	}
	return out, nil
}

func millis(ms int64) time.Time { return time.UnixMilli(ms) }
