package kafka

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/settings"
)

// Consumer is what the settings of a consumer come to.
type Consumer struct {
	Client
	// Group is group.id, "" for none.
	Group string
	// MaxPollRecords is max.poll.records.
	MaxPollRecords int
	// MaxPollInterval is max.poll.interval.ms: how long the work on a batch may take
	// before the member must count as gone. The group's rebalance timeout is the same.
	MaxPollInterval time.Duration
	// MetadataMaxAge is metadata.max.age.ms.
	MetadataMaxAge time.Duration
	// APITimeout is default.api.timeout.ms.
	APITimeout time.Duration
	// ReadCommitted is isolation.level=read_committed.
	ReadCommitted bool
	// AutoCommit is enable.auto.commit.
	AutoCommit bool
	// Reset is what auto.offset.reset says.
	Reset OffsetReset
	// ExcludeInternal is exclude.internal.topics.
	ExcludeInternal bool
}

// OffsetReset is a value of auto.offset.reset.
type OffsetReset struct {
	// Kind is "earliest", "latest", "none" or "by_duration".
	Kind string
	// Duration is how long before now, for by_duration.
	Duration time.Duration
}

// offsets are where to begin without a committed offset, and where to go on when it is
// out of range.
func (r OffsetReset) offsets() (start, reset kgo.Offset) {
	o := kgo.NewOffset()
	switch r.Kind {
	case "earliest":
		o = o.AtStart()
	case "by_duration":
		o = o.AfterMilli(time.Now().Add(-r.Duration).UnixMilli())
	case "none":
		return o.AtCommitted(), kgo.NoResetOffset()
	default:
		o = o.AtEnd()
	}
	return o, o
}

// NewConsumer reads the settings of a consumer, in Java's keys and with Java's defaults
// and checks (ConsumerConfig, KafkaConsumer). It connects to nothing. Topics and
// rebalance callbacks are left to the caller.
func NewConsumer(props map[string]string, env Env) (*Consumer, error) {
	c, err := parse(settings.ConsumerDef(), props, map[string]string{"key.deserializer": byteDeserializer, "value.deserializer": byteDeserializer})
	if err != nil {
		return nil, err
	}
	if err := noInterceptors(c); err != nil {
		return nil, err
	}
	if err := checkGroupProtocol(c, props); err != nil {
		return nil, err
	}
	cl, err := commonClient(c, props, env)
	if err != nil {
		return nil, constructing("consumer", err)
	}
	r := &Consumer{
		Client: *cl, MaxPollRecords: int(c.Int("max.poll.records")), MaxPollInterval: millis(int64(c.Int("max.poll.interval.ms"))),
		MetadataMaxAge: millis(c.Long("metadata.max.age.ms")), APITimeout: millis(int64(c.Int("default.api.timeout.ms"))),
		ReadCommitted: c.String("isolation.level") == "read_committed", ExcludeInternal: c.Bool("exclude.internal.topics"),
	}
	r.Group, _ = c.StringOK("group.id")
	_, asked := props["enable.auto.commit"]
	r.AutoCommit = c.Bool("enable.auto.commit") && (r.Group != "" || asked)
	if r.AutoCommit && r.Group == "" {
		return nil, errs.New(classInvalidConfiguration, "enable.auto.commit cannot be set to true when default group id (null) is used.")
	}
	if r.Reset, err = parseReset(c.String("auto.offset.reset")); err != nil {
		return nil, err
	}
	start, reset := r.Reset.offsets()
	most := clamp(int(c.Int("fetch.max.bytes")), 1, maxFrame)
	r.Opts = append(r.Opts,
		kgo.ConsumeStartOffset(start),
		kgo.ConsumeResetOffset(reset),
		kgo.FetchMinBytes(c.Int("fetch.min.bytes")),
		kgo.FetchMaxBytes(int32(most)),
		kgo.FetchMaxWait(clamp(millis(int64(c.Int("fetch.max.wait.ms"))), 10*time.Millisecond, math.MaxInt32*time.Millisecond)),
		kgo.FetchMaxPartitionBytes(max(c.Int("max.partition.fetch.bytes"), 1)),
		kgo.BrokerMaxReadBytes(int32(max(frameBytes, min(2*most, maxFrame)))),
	)
	if r.ReadCommitted {
		r.Opts = append(r.Opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if rack := c.String("client.rack"); rack != "" {
		r.Opts = append(r.Opts, kgo.Rack(rack))
	}
	if !c.Bool("check.crcs") {
		r.Opts = append(r.Opts, kgo.DisableFetchCRCValidation())
	}
	if c.Bool("allow.auto.create.topics") {
		r.Opts = append(r.Opts, kgo.AllowAutoTopicCreation())
	}
	if r.Group != "" {
		group, err := groupOpts(c, r)
		if err != nil {
			return nil, err
		}
		r.Opts = append(r.Opts, group...)
	}
	return r, nil
}

// checkGroupProtocol refuses settings that belong to the other protocol (KIP-848).
func checkGroupProtocol(c *cd.Config, given map[string]string) error {
	protocol, others := "CLASSIC", []string{"group.remote.assignor", "share.acknowledgement.mode"}
	if strings.EqualFold(c.String("group.protocol"), "consumer") {
		protocol, others = "CONSUMER", []string{"partition.assignment.strategy", "heartbeat.interval.ms", "session.timeout.ms", "share.acknowledgement.mode"}
	}
	var wrong []string
	for _, name := range others {
		if strings.TrimSpace(given[name]) != "" {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) > 0 {
		return errs.Config("%s cannot be set when group.protocol=%s", strings.Join(wrong, ", "), protocol)
	}
	return nil
}

func groupOpts(c *cd.Config, r *Consumer) ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.ConsumerGroup(r.Group), kgo.RebalanceTimeout(max(r.MaxPollInterval, minTimeout))}
	if id, ok := c.StringOK("group.instance.id"); ok {
		opts = append(opts, kgo.InstanceID(id))
	}
	if r.AutoCommit {
		opts = append(opts, kgo.AutoCommitInterval(max(millis(int64(c.Int("auto.commit.interval.ms"))), minTimeout)))
	} else {
		opts = append(opts, kgo.DisableAutoCommit())
	}
	if strings.EqualFold(c.String("group.protocol"), "consumer") {
		assignor, _ := c.StringOK("group.remote.assignor")
		switch assignor {
		case "", "uniform":
			return append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer())), nil
		case "range":
			return append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer())), nil
		}
		return nil, errs.InvalidValue("group.remote.assignor", assignor, "must be uniform or range")
	}
	session, heartbeat := millis(int64(c.Int("session.timeout.ms"))), millis(int64(c.Int("heartbeat.interval.ms")))
	if heartbeat >= session {
		return nil, constructing("consumer", errs.IllegalArgument("Heartbeat must be set lower than the session timeout"))
	}
	balancers, err := balancers(c.List("partition.assignment.strategy"))
	if err != nil {
		return nil, err
	}
	return append(opts, kgo.SessionTimeout(max(session, minTimeout)), kgo.HeartbeatInterval(heartbeat), kgo.Balancers(balancers...)), nil
}

// balancers are what Java's assignors stand for, in the order they are given, which is
// the order in which this member likes them.
func balancers(classes []string) ([]kgo.GroupBalancer, error) {
	const key = "partition.assignment.strategy"
	var all []kgo.GroupBalancer
	for _, class := range classes {
		switch strings.TrimPrefix(shortClass(class), "class ") {
		case "RangeAssignor":
			all = append(all, kgo.RangeBalancer())
		case "RoundRobinAssignor":
			all = append(all, kgo.RoundRobinBalancer())
		case "StickyAssignor":
			all = append(all, kgo.StickyBalancer())
		case "CooperativeStickyAssignor":
			all = append(all, kgo.CooperativeStickyBalancer())
		default:
			return nil, errs.InvalidValue(key, class, "Java classes cannot be loaded; must be RangeAssignor, RoundRobinAssignor, StickyAssignor or CooperativeStickyAssignor of org.apache.kafka.clients.consumer")
		}
	}
	if len(all) == 0 {
		return nil, errs.InvalidValue(key, "", "must name an assignor")
	}
	return all, nil
}

func parseReset(s string) (OffsetReset, error) {
	switch s {
	case "earliest", "latest", "none":
		return OffsetReset{Kind: s}, nil
	}
	if text, ok := strings.CutPrefix(s, "by_duration:"); ok {
		if d, ok := parseDuration(text); ok && d >= 0 {
			return OffsetReset{"by_duration", d}, nil
		}
	}
	return OffsetReset{}, errs.InvalidValue("auto.offset.reset", s, "")
}

var isoDuration = regexp.MustCompile(`(?i)^([-+]?)P(?:([-+]?[0-9]+)D)?(T(?:([-+]?[0-9]+)H)?(?:([-+]?[0-9]+)M)?(?:([-+]?[0-9]+)(?:[.,]([0-9]{0,9}))?S)?)?$`)

// parseDuration reads what java.time.Duration.parse does, as far as it fits.
func parseDuration(s string) (time.Duration, bool) {
	m := isoDuration.FindStringSubmatch(s)
	if m == nil || strings.EqualFold(m[3], "T") || m[2] == "" && m[3] == "" {
		return 0, false
	}
	seconds := 0.0
	for i, unit := range map[int]float64{2: 86400, 4: 3600, 5: 60, 6: 1} {
		if m[i] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i], 10, 64)
		if err != nil {
			return 0, false
		}
		seconds += float64(n) * unit
	}
	if m[7] != "" {
		fraction, err := strconv.ParseFloat("0."+m[7], 64)
		if err != nil {
			return 0, false
		}
		seconds += math.Copysign(fraction, 1-2*float64(strings.Count(m[6], "-")))
	}
	if m[1] == "-" {
		seconds = -seconds
	}
	if math.Abs(seconds) > math.MaxInt64/float64(time.Second) {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
