package datagen

import (
	"time"

	"github.com/moldau-io/moldau/connect/configdef"
)

// Names of the settings.
const (
	keyTopic    = "topic"
	keyTemplate = "template"
	keyRate     = "rate"
	keyCount    = "count"
	keySize     = "size"
	keyKeys     = "key.space"
	keySeed     = "seed"
	keyStart    = "start.timestamp.ms"
	keyBatch    = "batch.size"
	// Each task is told which share of the records is its own.
	keyTask  = "datagen.task"
	keyTasks = "datagen.tasks"
)

const (
	templateWikipedia = "wikipedia"
	templateOrders    = "orders"
	templateUsers     = "users"
	templateText      = "text"
)

func templates() []string {
	return []string{templateWikipedia, templateOrders, templateUsers, templateText}
}

func def() *configdef.Def {
	order := 0
	key := func(k configdef.Key, display string) configdef.Key {
		order++
		return k.WithGroup("Generator", order, configdef.WidthMedium, display)
	}
	return configdef.New(
		key(configdef.Required(keyTopic, configdef.String, configdef.High,
			"Topic that the records are written to.").WithValidator(configdef.NonEmptyString()), "Topic"),
		key(configdef.Optional(keyTemplate, configdef.String, templateWikipedia, configdef.High,
			"What to generate: wikipedia, JSON text in the shape of Wikimedia's recent changes; orders or users, structs "+
				"with a schema; text, a string of random letters.").
			WithValidator(configdef.ValidString(templates()...)).WithRecommender(choice(templates())), "Template"),
		key(configdef.Optional(keyRate, configdef.Double, float64(10), configdef.High,
			"Records a second, over all tasks; 0 for as many as possible."), "Rate"),
		key(configdef.Optional(keyCount, configdef.Long, int64(-1), configdef.Medium,
			"Records to generate in all; -1 for no end.").WithValidator(configdef.AtLeast(-1)), "Count"),
		key(configdef.Optional(keySize, configdef.Int, 200, configdef.Low,
			"Length in bytes of a value of the template text.").WithValidator(configdef.Between(1, 1<<30)), "Size"),
		key(configdef.Optional(keyKeys, configdef.Long, int64(-1), configdef.Medium,
			"Number of distinct keys, key-0 and on; 0 for records without key; -1 for the template's own key.").
			WithValidator(configdef.AtLeast(-1)), "Key space"),
		key(configdef.Optional(keySeed, configdef.Long, int64(1), configdef.Low,
			"Seed. Equal seeds give equal records, but for the time in them."), "Seed"),
		key(configdef.Optional(keyStart, configdef.Long, int64(-1), configdef.Low,
			"Time of the first record in milliseconds since 1970; the others follow at the rate, or a millisecond apart "+
				"without one. -1 gives each record the time at which it is generated.").WithValidator(configdef.AtLeast(-1)), "Start time"),
		key(configdef.Optional(keyBatch, configdef.Int, 1000, configdef.Low,
			"Most records a task hands over at once.").WithValidator(configdef.Between(1, 100000)), "Batch size"),
	)
}

type choice []string

func (c choice) ValidValues(string, map[string]any) []any {
	out := make([]any, len(c))
	for i := range c {
		out[i] = c[i]
	}
	return out
}

func (choice) Visible(string, map[string]any) bool { return true }

// settings are the parsed configuration.
type settings struct {
	topic, template string
	rate            float64
	count           int64
	size            int
	keys            int64
	seed            int64
	start           int64
	batch           int
}

func parse(props map[string]string) (*settings, error) {
	cfg, err := def().Parse(props)
	if err != nil {
		return nil, err
	}
	s := &settings{
		topic: cfg.String(keyTopic), template: cfg.String(keyTemplate), rate: cfg.Double(keyRate), count: cfg.Long(keyCount),
		size: int(cfg.Int(keySize)), keys: cfg.Long(keyKeys), seed: cfg.Long(keySeed), start: cfg.Long(keyStart), batch: int(cfg.Int(keyBatch)),
	}
	if s.rate < 0 {
		s.rate = 0
	}
	return s, nil
}

// gap is the time between two records.
func (s *settings) gap() time.Duration {
	if s.rate > 0 {
		return time.Duration(float64(time.Second) / s.rate)
	}
	return time.Millisecond
}

// timeOf returns the time of record n.
func (s *settings) timeOf(n int64) time.Time {
	if s.start < 0 {
		return time.Now()
	}
	at := float64(n) * float64(time.Millisecond)
	if s.rate > 0 {
		at = float64(n) * float64(time.Second) / s.rate
	}
	return time.UnixMilli(s.start).Add(time.Duration(at))
}
