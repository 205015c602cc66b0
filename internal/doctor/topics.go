package doctor

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topics examines the topics that keep the cluster's state, and what the worker may do
// with them.
func (d *doctor) topics(ctx context.Context, client *kgo.Client, admin *kadm.Client, brokers int) {
	d.part = "topics"
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	seen := kadm.TopicDetails{}
	missing := 0
	for _, t := range d.storage() {
		// One by one: a topic that may not be seen hides the others.
		meta, err := admin.Metadata(kadm.WithAuthorizedOps(ctx), t.topic.Name)
		detail, ok := meta.Topics[t.topic.Name]
		if err == nil && ok {
			err = detail.Err
		}
		switch {
		case errors.Is(err, kerr.UnknownTopicOrPartition), err == nil && !ok:
			missing++
			d.missingTopic(t, brokers)
		case denied(err):
			d.problem(grant("--topic "+t.topic.Name, "READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS"), "%s=%s: the worker's user may not see it", t.key, t.topic.Name)
		case err != nil:
			d.problem(d.brokerCure(err), "%s=%s cannot be described: %v", t.key, t.topic.Name, err)
		default:
			seen[t.topic.Name] = detail
			d.topic(t, detail, d.topicConfig(ctx, admin, t), brokers)
		}
	}
	d.rights(ctx, client, admin, seen, missing > 0)
}

// denied says whether a broker refused a request for lack of rights.
func denied(err error) bool {
	var auth *kadm.AuthError
	var shards *kadm.ShardErrors
	if errors.As(err, &shards) {
		return slices.ContainsFunc(shards.Errs, func(s kadm.ShardError) bool { return denied(s.Err) })
	}
	return errors.As(err, &auth) || errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.GroupAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed)
}

// grant is the command that gives rights on something.
func grant(on string, ops ...string) string {
	return "kafka-acls.sh --bootstrap-server … --add --allow-principal User:… " + on + " --operation " + strings.Join(ops, " --operation ")
}

// topicConfig are the settings of a topic, nil if they cannot be read.
func (d *doctor) topicConfig(ctx context.Context, admin *kadm.Client, t storageTopic) map[string]string {
	all, err := admin.DescribeTopicConfigs(ctx, t.topic.Name)
	if err == nil && len(all) == 1 {
		err = all[0].Err
	}
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for _, c := range all {
		for _, s := range c.Configs {
			if s.Value != nil {
				out[s.Key] = *s.Value
			}
		}
	}
	return out
}

func (d *doctor) missingTopic(t storageTopic, brokers int) {
	replicas := int(t.topic.Replicas)
	if replicas > brokers {
		d.problem("set "+replicationKey(t.key)+"="+strconv.Itoa(brokers)+", or start more brokers",
			"%s=%s does not exist, and cannot be made with %d replicas on %s", t.key, t.topic.Name, replicas, plural(brokers, "broker", "brokers"))
		return
	}
	if replicas == 1 && brokers > 1 {
		d.warn("set "+replicationKey(t.key)+" to 3", "%s=%s does not exist, and will be made with one replica: a broker that is lost takes it along", t.key, t.topic.Name)
		return
	}
	d.ok("%s=%s does not exist; the worker will make it", t.key, t.topic.Name)
}

// replicationKey is the setting for the replicas of a topic.
func replicationKey(topicKey string) string {
	return strings.TrimSuffix(topicKey, "topic") + "replication.factor"
}

func (d *doctor) topic(t storageTopic, detail kadm.TopicDetail, config map[string]string, brokers int) {
	name, good := t.topic.Name, true
	bad := func(cure, format string, args ...any) {
		good = false
		d.problem(cure, t.key+"="+name+" "+format, args...)
	}
	alter := func(setting string) string {
		return "kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name " + name + " --add-config " + setting
	}
	if n := len(detail.Partitions); t.key == "config.storage.topic" && n != 1 {
		bad("make a topic with one partition and name it in config.storage.topic", "has %d partitions instead of one: settings would be read out of order", n)
	}
	if policy, ok := config["cleanup.policy"]; !ok {
		good = false
		d.note(grant("--topic "+name, "DESCRIBE_CONFIGS"), "%s=%s: its cleanup.policy cannot be read", t.key, name)
	} else if policies := strings.Split(strings.ReplaceAll(policy, " ", ""), ","); !slices.Equal(policies, []string{"compact"}) {
		bad(alter("cleanup.policy=compact"), "has cleanup.policy=%s instead of compact: in time it loses what is in it", policy)
	}
	least, inSync := len(detail.Partitions), 0
	if least > 0 {
		least = brokers
	}
	var leaderless, behind []string
	inSync = brokers
	for _, p := range detail.Partitions.Sorted() {
		least, inSync = min(least, len(p.Replicas)), min(inSync, len(p.ISR))
		if p.Leader < 0 {
			leaderless = append(leaderless, strconv.Itoa(int(p.Partition)))
		} else if len(p.ISR) < len(p.Replicas) {
			behind = append(behind, strconv.Itoa(int(p.Partition)))
		}
	}
	if len(leaderless) > 0 {
		bad("start the brokers that have its replicas", "has no leader for partition %s", strings.Join(leaderless, ", "))
	} else if len(behind) > 0 {
		good = false
		d.warn("see the brokers' logs", "%s=%s: not all replicas of partition %s are in sync", t.key, name, strings.Join(behind, ", "))
	}
	if needed, err := strconv.Atoi(config["min.insync.replicas"]); err == nil && len(leaderless) == 0 {
		switch {
		case needed > least:
			bad(alter("min.insync.replicas="+strconv.Itoa(max(1, least-1))), "has min.insync.replicas=%d but %s: nothing can be written to it", needed, plural(least, "replica", "replicas"))
		case needed > inSync:
			bad("start the brokers that have its replicas", "has min.insync.replicas=%d but %d in sync: nothing can be written to it", needed, inSync)
		}
	}
	if least == 1 && brokers > 1 {
		good = false
		d.warn("kafka-reassign-partitions.sh gives it more replicas", "%s=%s has one replica: a broker that is lost takes it along", t.key, name)
	}
	if good {
		d.ok("%s=%s: %s, %s, compacted", t.key, name, plural(len(detail.Partitions), "partition", "partitions"), plural(least, "replica", "replicas"))
	}
}

// rights compares what the brokers say the worker's user may do with what it needs
// (KIP-430). Brokers without an authorizer allow all.
func (d *doctor) rights(ctx context.Context, client *kgo.Client, admin *kadm.Client, topics kadm.TopicDetails, create bool) {
	d.part = "rights"
	good, asked := true, false
	lacking := func(have, need []kmsg.ACLOperation, on string) {
		if len(have) == 0 {
			return // an old broker, which does not say
		}
		asked = true
		var lacks []string
		for _, op := range need {
			if !slices.Contains(have, op) {
				lacks = append(lacks, op.String())
			}
		}
		if len(lacks) > 0 {
			good = false
			d.problem(grant(on, lacks...), "the worker's user lacks %s on %s", strings.Join(lacks, " and "), strings.TrimPrefix(on, "--"))
		}
	}
	for _, t := range d.storage() {
		if detail, ok := topics[t.topic.Name]; ok {
			lacking(detail.AuthorizedOperations, []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe}, "--topic "+t.topic.Name)
		}
	}
	if create {
		lacking(clusterRights(ctx, client), []kmsg.ACLOperation{kmsg.ACLOperationCreate}, "--cluster")
	}
	id := d.worker.Cluster.GroupID
	groups, err := admin.DescribeGroups(kadm.WithAuthorizedOps(ctx), id)
	if g, ok := groups[id]; err == nil && ok && g.Err == nil {
		lacking(g.AuthorizedOperations, []kmsg.ACLOperation{kmsg.ACLOperationRead}, "--group "+id)
	}
	switch {
	case !asked:
		d.note("", "the brokers do not say what the worker's user may do")
	case good:
		d.ok("the worker's user may do what the worker needs")
	}
}

// clusterRights is what the user may do with the cluster, nothing if brokers do not say
// (before 2.8).
func clusterRights(ctx context.Context, client *kgo.Client) []kmsg.ACLOperation {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations = true
	resp, err := req.RequestWith(ctx, client)
	if err != nil || resp.ErrorCode != 0 {
		return nil
	}
	return kadm.DecodeACLOperations(resp.ClusterAuthorizedOperations)
}

// group looks at who is in the workers' group.
func (d *doctor) group(ctx context.Context, admin *kadm.Client) {
	d.part = "group"
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	id := d.worker.Cluster.GroupID
	groups, err := admin.DescribeGroups(ctx, id)
	g, ok := groups[id]
	if err == nil && ok {
		err = g.Err
	}
	switch {
	case errors.Is(err, kerr.GroupIDNotFound):
		d.ok("group.id=%s is not used yet", id)
	case denied(err):
		d.problem(grant("--group "+id, "READ", "DESCRIBE"), "group.id=%s: the worker's user may not see it", id)
	case err != nil:
		d.note("", "group.id=%s cannot be described: %v", id, err)
	case g.ProtocolType != "" && g.ProtocolType != "connect":
		d.problem("choose a group.id that nothing else uses", "group.id=%s is a group of protocol %q, not of Connect workers", id, g.ProtocolType)
	case len(g.Members) > 0:
		d.ok("group.id=%s has %s; this worker will join them", id, plural(len(g.Members), "worker", "workers"))
	default:
		d.ok("group.id=%s has no members", id)
	}
}
