package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/chain"
	"github.com/moldau-io/moldau/runtime/group"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/runtime/state"
	"github.com/moldau-io/moldau/runtime/store"
	"github.com/moldau-io/moldau/runtime/task"
	"github.com/moldau-io/moldau/runtime/worker"
)

// node is a worker process less its REST API.
type node struct {
	name, url string
	link      *link
	settings  *settings.Worker
	env       kafka.Env
	admin     *kafka.Admin
	configs   store.ConfigStore
	statuses  store.StatusStore
	offsets   store.OffsetStore
	worker    *worker.Worker
	herder    *herder.Herder
	member    *group.Member
	client    *kgo.Client // the member's

	stop   context.CancelFunc // in order
	killed context.Context
	kill   context.CancelFunc
	done   chan struct{} // closed when the process has ended, err says how
	err    error
}

// props are a worker's settings.
func props(extra map[string]string) map[string]string {
	p := map[string]string{
		"bootstrap.servers": "localhost:9092,localhost:9093,localhost:9094", "group.id": workers,
		"config.storage.topic": "configs", "offset.storage.topic": "offsets", "status.storage.topic": "statuses",
		"offset.storage.partitions": "5", "status.storage.partitions": "3",
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
		"session.timeout.ms": fmt.Sprint(session.Milliseconds()), "heartbeat.interval.ms": fmt.Sprint(heartbeat.Milliseconds()),
		// What follows spares work while nothing happens.
		"fetch.max.wait.ms": "30000", "consumer.fetch.max.wait.ms": "30000", "request.timeout.ms": "40000",
		"consumer.session.timeout.ms": "60000", "consumer.heartbeat.interval.ms": "20000",
	}
	for k, v := range extra {
		p[k] = v
	}
	return p
}

func (c *cluster) newNode(name string) (n *node, err error) {
	n = &node{name: name, url: "http://" + name + ":8083/", link: newLink(c.net.DialContext), done: make(chan struct{})}
	log := c.logger(name)
	registry := catalogue(c.ledger, name)
	ctx := context.Background()
	if n.settings, err = settings.LoadWorker(ctx, settings.Distributed, props(c.props), settings.WorkerOptions{
		Plugins: settings.Catalogue(registry), Logger: log,
	}); err != nil {
		return nil, err
	}
	n.env = kafka.Env{Dial: n.link.DialContext, Logger: log}
	clients := &clients{n, log}
	if n.admin, err = clients.Admin(clients.own("admin")); err != nil {
		return nil, err
	}
	if err := n.stores(clients, log); err != nil {
		return nil, err
	}
	s, k := n.settings, n.settings.Cluster
	n.worker = worker.New(worker.Options{
		Plugins: registry, Clients: clients, Providers: s.Providers(), Converters: s.Converters(), Offsets: n.offsets, Logger: log,
		Chain: func(props map[string]string) (task.Chain, error) {
			c, err := chain.Build(props, registry)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		Props: s.Config.Originals(), Bootstrap: strings.Join(s.BootstrapServers, ","), GroupID: k.GroupID, ExactlyOnce: s.ExactlyOnceSource(),
		TopicCreation: s.TopicCreation, TopicTracking: s.TopicTracking, GracefulTimeout: s.TaskShutdownTimeout,
		FlushInterval: s.OffsetFlushInterval, FlushTimeout: s.OffsetFlushTimeout,
		StuckAfter:     s.Own.StuckAfter,
		OverridePolicy: func(string, map[string]string) error { return nil },
		TTLRestart: func(connector string) {
			c.note("secrets of %s have changed on %s", connector, name)
			if err := n.herder.RestartLocally(n.killed, connector); err != nil {
				log.Error("restart for secrets", "connector", connector, "err", err)
			}
		},
	})
	g, err := n.group(clients, log)
	if err != nil {
		return nil, err
	}
	n.herder = herder.New(herder.Options{
		Core:     herder.CoreConfig{KeyTTL: k.KeyTTL, MaxDelay: k.RebalanceDelay, UnsyncBackoff: k.UnsyncBackoff},
		WorkerID: name + ":8083", GroupID: k.GroupID, ClusterID: "cluster", Group: g, Configs: n.configs, Statuses: n.statuses, Worker: n.worker,
		Peers: &peers{c, n}, Validator: anything{}, Logger: log, SyncTimeout: k.SyncTimeout, RebalanceWait: 30 * time.Second,
		KeyAlgorithm: k.KeyAlgorithm, KeySize: (k.KeySize + 7) / 8, SignatureAlgorithms: k.VerificationAlgorithms, ExactlyOnce: s.ExactlyOnceSource(),
	})
	n.worker.Bind(n.herder)
	return n, nil
}

func (n *node) stores(c *clients, log *slog.Logger) error {
	k := n.settings.Cluster
	committed := k.ExactlyOnce != settings.ExactlyOnceDisabled
	topic := func(t settings.StorageTopic, committed bool) (store.TopicOptions, error) {
		i, err := kafka.NewInternalClients(c.own(t.Name), n.name+"-"+t.Name, committed, n.env)
		if err != nil {
			return store.TopicOptions{}, err
		}
		return store.TopicOptions{
			Topic: kafka.InternalTopic{Name: t.Name, Partitions: t.Partitions, ReplicationFactor: t.Replicas, Settings: t.Configs},
			Admin: n.admin, Brokers: i.Brokers, Reader: i.Reader, Writer: i.Writer, ReadCommitted: committed, Logger: log,
		}, nil
	}
	configs, err1 := topic(k.Config, committed)
	offsets, err2 := topic(k.Offset, committed)
	statuses, err3 := topic(k.Status, false)
	var leader []kgo.Opt
	var err4 error
	if committed {
		leader, err4 = kafka.LeaderOpts(c.own("leader"), n.name+"-leader", "connect-cluster-"+k.GroupID, n.env)
	}
	n.configs = store.NewKafkaConfigs(store.KafkaConfigOptions{TopicOptions: configs, Leader: leader})
	n.offsets, n.statuses = store.NewKafkaOffsets(offsets), store.NewKafkaStatuses(statuses)
	return errors.Join(err1, err2, err3, err4)
}

func (n *node) group(c *clients, log *slog.Logger) (herder.Group, error) {
	k := n.settings.Cluster
	protocol, err := group.ParseProtocol(k.Protocol)
	if err != nil {
		return nil, err
	}
	a, err := kafka.NewAdminSettings(c.own("connect-"+n.name), n.env)
	if err != nil {
		return nil, err
	}
	if n.client, err = kgo.NewClient(append(a.Opts, group.ClientOpts(k.SessionTimeout)...)...); err != nil {
		return nil, err
	}
	n.member, err = group.New(group.Config{
		Client: n.client, GroupID: k.GroupID, URL: n.url, Protocol: protocol, SessionTimeout: k.SessionTimeout,
		HeartbeatInterval: k.HeartbeatInterval, RebalanceTimeout: k.RebalanceTimeout, MaxDelay: k.RebalanceDelay, SyncTimeout: k.SyncTimeout,
		RequestTimeout: a.RequestTimeout, RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second, HandOver: true, Logger: log,
	})
	return membership{n.member}, err
}

// membership lets a group member speak to the herder.
type membership struct{ *group.Member }

func (m membership) Start(ctx context.Context, l herder.Listener) error {
	return m.Member.Start(ctx, listener{l})
}

type listener struct{ herder.Listener }

func (l listener) OnJoined(j group.Joined) {
	l.Listener.OnJoined(herder.Joined{Assignment: j.Assignment, Generation: j.Generation, Leader: j.Leader, Protocol: j.Protocol})
}

func (l listener) OnRevoked(r group.Revoked) {
	l.Listener.OnRevoked(herder.Revoked{Connectors: r.Connectors, Tasks: r.Tasks})
}

// run starts the process. It ends when stop or kill is called, or with an error.
func (n *node) run() {
	var ctx context.Context
	n.killed, n.kill = context.WithCancel(context.Background())
	ctx, n.stop = context.WithCancel(n.killed)
	go func() {
		defer close(n.done)
		defer n.kill()
		n.err = n.live(ctx)
	}()
}

// over says whether the process has ended.
func (n *node) over() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

func (n *node) live(ctx context.Context) (err error) {
	defer func() {
		n.client.Close()
		n.admin.Close()
		err = errors.Join(err, n.settings.Close())
	}()
	if err := n.offsets.Start(ctx); err != nil {
		return errors.Join(err, n.offsets.Stop(n.killed))
	}
	defer func() {
		stop, cancel := context.WithTimeout(n.killed, stopMargin)
		defer cancel()
		err = errors.Join(err, n.worker.Wait(stop), n.offsets.Stop(stop))
	}()
	running, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	go func() {
		select {
		case <-n.member.Failed():
			failed(n.member.Err())
		case <-running.Done():
		}
	}()
	err = n.herder.Run(running, func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(n.killed, n.settings.TaskShutdownTimeout+stopMargin)
	})
	if cause := context.Cause(running); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// anything takes every configuration.
type anything struct{}

func (anything) Check(context.Context, map[string]string) error { return nil }

// clients makes Kafka clients on the node's link.
type clients struct {
	n   *node
	log *slog.Logger
}

func (c *clients) own(id string) map[string]string {
	p := map[string]string{}
	for k, v := range c.n.settings.Config.Originals() {
		if !strings.HasPrefix(k, "producer.") && !strings.HasPrefix(k, "consumer.") && !strings.HasPrefix(k, "admin.") {
			p[k] = v
		}
	}
	p["client.id"] = id
	return p
}

func (c *clients) Producer(props map[string]string) (task.NewClient, error) {
	p, err := kafka.NewProducer(props, c.n.env)
	if err != nil {
		return nil, err
	}
	return newClient(p.Opts), nil
}

func (c *clients) Consumer(props map[string]string) (task.NewClient, error) {
	p, err := kafka.NewConsumer(props, c.n.env)
	if err != nil {
		return nil, err
	}
	return newClient(p.Opts), nil
}

func newClient(opts []kgo.Opt) task.NewClient {
	return func(more ...kgo.Opt) (*kgo.Client, error) {
		return kgo.NewClient(append(append([]kgo.Opt{}, opts...), more...)...)
	}
}

func (c *clients) Admin(props map[string]string) (*kafka.Admin, error) {
	a, err := kafka.NewAdminSettings(props, c.n.env)
	if err != nil {
		return nil, err
	}
	return kafka.NewAdmin(kafka.AdminOptions{Brokers: a.Brokers, Client: a.Opts, APITimeout: a.APITimeout, Logger: c.log})
}

func (*clients) OffsetTopic(context.Context, string, map[string]string, map[string]string, map[string]string) (store.OffsetStore, func(), error) {
	return nil, nil, errors.New("no connector has an offsets topic of its own here")
}

// peers carries the requests that workers send each other, over their links.
type peers struct {
	c *cluster
	n *node
}

func (p *peers) PutTaskConfigs(ctx context.Context, url, connector string, configs []map[string]string, key *state.SessionKey) error {
	body, err := json.Marshal(configs)
	if err != nil {
		return err
	}
	return p.call(ctx, url, key, body, func(ctx context.Context, h *herder.Herder, sig *herder.Signature) error {
		return h.PutTaskConfigs(ctx, connector, configs, sig)
	})
}

func (p *peers) Fence(ctx context.Context, url, connector string, key *state.SessionKey) error {
	return p.call(ctx, url, key, nil, func(ctx context.Context, h *herder.Herder, sig *herder.Signature) error {
		return h.Fence(ctx, connector, sig)
	})
}

func (p *peers) call(ctx context.Context, url string, key *state.SessionKey, body []byte, f func(context.Context, *herder.Herder, *herder.Signature) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var sig *herder.Signature
	if key != nil {
		s, err := herder.Sign(*key, p.n.settings.Cluster.SignatureAlgorithm, body)
		if err != nil {
			return err
		}
		sig = &s
	}
	to := p.c.byURL(url)
	if to == nil {
		return errs.Connect("IO Error trying to forward REST request: nobody listens at %q", url)
	}
	for _, l := range []*link{p.n.link, to.link} {
		if err := l.passable(ctx); err != nil {
			return errs.Wrap(errs.ClassConnect, err, "IO Error trying to forward REST request: "+err.Error())
		}
	}
	return f(ctx, to.herder, sig)
}
