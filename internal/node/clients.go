package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/group"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/runtime/store"
	"github.com/moldau-io/moldau/runtime/task"
)

// maxToken bounds what an identity provider may answer, in bytes.
const maxToken = 1 << 20

// clients makes Kafka clients from settings in Java's keys.
type clients struct {
	settings *settings.Worker
	env      kafka.Env
	log      *slog.Logger
}

func newClients(s *settings.Worker, dial func(ctx context.Context, network, address string) (net.Conn, error), log *slog.Logger) *clients {
	return &clients{s, kafka.Env{Dial: dial, Post: post, Logger: log}, log}
}

// post asks an identity provider for a token.
func post(ctx context.Context, r kafka.TokenRequest) (status int, body []byte, err error) {
	if limit := r.ConnectTimeout + r.ReadTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return 0, nil, err
	}
	for k, v := range r.Headers {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() {
		if closeErr := resp.Body.Close(); err == nil {
			err = closeErr
		}
	}()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxToken))
	return resp.StatusCode, body, err
}

// Producer implements worker.Clients.
func (c *clients) Producer(props map[string]string) (task.NewClient, error) {
	p, err := kafka.NewProducer(props, c.env)
	if err != nil {
		return nil, err
	}
	c.warn("producer", props, p.Client)
	return newClient(p.Opts), nil
}

// Consumer implements worker.Clients.
func (c *clients) Consumer(props map[string]string) (task.NewClient, error) {
	p, err := kafka.NewConsumer(props, c.env)
	if err != nil {
		return nil, err
	}
	c.warn("consumer", props, p.Client)
	return newClient(p.Opts), nil
}

func newClient(opts []kgo.Opt) task.NewClient {
	return func(more ...kgo.Opt) (*kgo.Client, error) {
		return kgo.NewClient(append(append([]kgo.Opt{}, opts...), more...)...)
	}
}

func (c *clients) warn(kind string, props map[string]string, made kafka.Client) {
	for _, w := range made.Warnings {
		c.log.Warn(w, "client", kind, "client.id", props["client.id"])
	}
	if len(made.Unknown) > 0 {
		c.log.Debug("settings that no client has", "client", kind, "client.id", props["client.id"], "keys", made.Unknown)
	}
}

// Admin implements worker.Clients.
func (c *clients) Admin(props map[string]string) (*kafka.Admin, error) {
	a, err := kafka.NewAdminSettings(props, c.env)
	if err != nil {
		return nil, err
	}
	return kafka.NewAdmin(kafka.AdminOptions{Brokers: a.Brokers, Client: a.Opts, APITimeout: a.APITimeout, Logger: c.log})
}

// own are the settings of the worker's own clients: its settings without those for
// connectors' clients.
func (c *clients) own(clientID string) map[string]string {
	props := map[string]string{}
	for k, v := range c.settings.Config.Originals() {
		if !strings.HasPrefix(k, "producer.") && !strings.HasPrefix(k, "consumer.") && !strings.HasPrefix(k, "admin.") {
			props[k] = v
		}
	}
	props["bootstrap.servers"] = strings.Join(c.settings.BootstrapServers, ",")
	props["client.id"] = clientID
	return props
}

func (c *clients) workerAdmin(workerID string) (*kafka.Admin, error) {
	return c.Admin(c.own(c.clientID(workerID, "shared-admin")))
}

// clientID names one of the worker's own clients.
func (c *clients) clientID(workerID, what string) string {
	if k := c.settings.Cluster; k != nil {
		base := k.ClientID
		if base == "" {
			base = k.GroupID
		}
		return base + "-" + what
	}
	return workerID + "-" + what
}

func (c *clients) groupOpts(clientID string) ([]kgo.Opt, error) {
	a, err := kafka.NewAdminSettings(c.own(clientID), c.env)
	if err != nil {
		return nil, err
	}
	return append(a.Opts, group.ClientOpts(c.settings.Cluster.SessionTimeout)...), nil
}

// OffsetTopic implements worker.Clients.
func (c *clients) OffsetTopic(ctx context.Context, topic string, producer, consumer, admin map[string]string) (store.OffsetStore, func(), error) {
	consumer["auto.offset.reset"], consumer["enable.auto.commit"] = "earliest", "false"
	if _, ok := consumer["isolation.level"]; !ok {
		consumer["isolation.level"] = "read_committed"
	}
	reader, err := kafka.NewConsumer(consumer, c.env)
	if err != nil {
		return nil, nil, err
	}
	delete(producer, "transactional.id")
	writer, err := kafka.NewProducer(producer, c.env)
	if err != nil {
		return nil, nil, err
	}
	a, err := c.Admin(admin)
	if err != nil {
		return nil, nil, err
	}
	t := kafka.InternalTopic{Name: topic, Partitions: -1, ReplicationFactor: -1}
	if k := c.settings.Cluster; k != nil {
		t.Partitions, t.ReplicationFactor, t.Settings = k.Offset.Partitions, k.Offset.Replicas, k.Offset.Configs
	}
	s := store.NewKafkaOffsets(store.TopicOptions{
		Topic: t, Admin: a, Brokers: reader.Brokers, Reader: reader.Opts, Writer: writer.Opts, ReadCommitted: reader.ReadCommitted, Logger: c.log,
	})
	release := func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if err := s.Stop(stop); err != nil {
			c.log.Warn("closing an offsets topic", "topic", topic, "err", err)
		}
		a.Close()
	}
	if err := s.Start(ctx); err != nil {
		release()
		return nil, nil, fmt.Errorf("reading the connector's offsets.storage.topic %s: %w", topic, err)
	}
	return s, release, nil
}
