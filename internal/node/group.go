package node

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/group"
	"github.com/moldau-io/moldau/runtime/herder"
	"github.com/moldau-io/moldau/runtime/metrics"
)

// group makes the worker's membership: a group of one for standalone and dev.
func (n *node) group() (herder.Group, error) {
	k := n.settings.Cluster
	if k == nil || n.o.Solo {
		return herder.NewSolo(n.url), nil
	}
	protocol, err := group.ParseProtocol(k.Protocol)
	if err != nil {
		return nil, err
	}
	clientID := k.ClientID
	if clientID == "" {
		clientID = "connect-" + n.id
	}
	opts, err := n.clients.groupOpts(clientID)
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making the group's client: %w", err)
	}
	c := n.settings.Config
	n.rebalances = &metrics.Group{}
	member, err := group.New(group.Config{
		Observer: n.rebalances,
		Client:   cl, GroupID: k.GroupID, URL: n.url, Protocol: protocol, SessionTimeout: k.SessionTimeout,
		HeartbeatInterval: k.HeartbeatInterval, RebalanceTimeout: k.RebalanceTimeout, MaxDelay: k.RebalanceDelay, SyncTimeout: k.SyncTimeout,
		RequestTimeout: millis(int64(c.Int("request.timeout.ms"))), RetryBackoff: millis(c.Long("retry.backoff.ms")),
		RetryBackoffMax: millis(c.Long("retry.backoff.max.ms")), HandOver: true, Logger: n.logger("runtime.distributed.group"),
	})
	if err != nil {
		cl.Close()
		return nil, err
	}
	n.member = member
	return &clusterGroup{Member: member, client: cl}, nil
}

// clusterGroup lets a group member speak to the herder.
type clusterGroup struct {
	*group.Member
	client *kgo.Client
}

// Start implements herder.Group.
func (g *clusterGroup) Start(ctx context.Context, l herder.Listener) error {
	return g.Member.Start(ctx, groupListener{l})
}

// Stop implements herder.Group.
func (g *clusterGroup) Stop(ctx context.Context) error {
	defer g.client.Close()
	return g.Member.Stop(ctx)
}

type groupListener struct{ herder.Listener }

func (l groupListener) OnJoined(j group.Joined) {
	l.Listener.OnJoined(herder.Joined{Assignment: j.Assignment, Generation: j.Generation, Leader: j.Leader, Protocol: j.Protocol})
}

func (l groupListener) OnRevoked(r group.Revoked) {
	l.Listener.OnRevoked(herder.Revoked{Connectors: r.Connectors, Tasks: r.Tasks})
}
