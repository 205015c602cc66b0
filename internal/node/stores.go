package node

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/moldau-io/moldau/runtime/chain"
	"github.com/moldau-io/moldau/runtime/kafka"
	"github.com/moldau-io/moldau/runtime/settings"
	"github.com/moldau-io/moldau/runtime/store"
	"github.com/moldau-io/moldau/runtime/task"
)

// stores makes the stores: in topics for a worker of a cluster, in memory and a file
// for a standalone one.
func (n *node) stores() (store.ConfigStore, store.OffsetStore, store.StatusStore, error) {
	log := n.logger("storage")
	k := n.settings.Cluster
	if k == nil {
		return store.NewMemoryConfigs(log), store.NewFileOffsets(n.settings.OffsetFile, log), store.NewMemoryStatuses(), nil
	}
	// Transactions of this and other workers are to be seen when they are committed.
	committed := k.ExactlyOnce != settings.ExactlyOnceDisabled
	configTopic, err := n.topic(k.Config, "configs", committed)
	if err != nil {
		return nil, nil, nil, err
	}
	offsetTopic, err := n.topic(k.Offset, "offsets", committed)
	if err != nil {
		return nil, nil, nil, err
	}
	statusTopic, err := n.topic(k.Status, "statuses", false)
	if err != nil {
		return nil, nil, nil, err
	}
	var leader []kgo.Opt
	if committed {
		props := n.clients.own(n.clients.clientID(n.id, "leader"))
		if leader, err = kafka.LeaderOpts(props, n.clients.clientID(n.id, "leader"), "connect-cluster-"+k.GroupID, n.clients.env); err != nil {
			return nil, nil, nil, err
		}
	}
	return store.NewKafkaConfigs(store.KafkaConfigOptions{TopicOptions: configTopic, Leader: leader}),
		store.NewKafkaOffsets(offsetTopic), store.NewKafkaStatuses(statusTopic), nil
}

func (n *node) topic(t settings.StorageTopic, what string, committed bool) (store.TopicOptions, error) {
	id := n.clients.clientID(n.id, what)
	c, err := kafka.NewInternalClients(n.clients.own(id), id, committed, n.clients.env)
	if err != nil {
		return store.TopicOptions{}, err
	}
	return store.TopicOptions{
		Topic: kafka.InternalTopic{Name: t.Name, Partitions: t.Partitions, ReplicationFactor: t.Replicas, Settings: t.Configs},
		Admin: n.admin, Brokers: c.Brokers, Reader: c.Reader, Writer: c.Writer, ReadCommitted: committed, Logger: n.logger("storage"),
	}, nil
}

// chain builds a connector's transforms.
func (n *node) chain(props map[string]string) (task.Chain, error) {
	c, err := chain.Build(props, n.o.Plugins)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
