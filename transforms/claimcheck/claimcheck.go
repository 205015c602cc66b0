// Package claimcheck holds two transforms for records too large for Kafka: ClaimCheck
// puts large values into a store of files or S3 objects and lets a reference travel in
// their place; ClaimCheckRestore puts them back.
//
// A value is kept with its schema, under the SHA-256 of its content, so that writing it
// again changes nothing and what comes back is what was put in. The reference is the
// value, a string, and in a header, by which it is known. Nothing is ever deleted:
// that is for the store's own rules of expiry.
package claimcheck

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect"
	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// defaultHeader is the header that holds the reference.
const defaultHeader = "moldau.claim.check"

// storeKeys are the settings that both transforms have.
func storeKeys() []cd.Key {
	return []cd.Key{
		cd.Required("store.url", cd.String, cd.High, "Where large values are kept: file:///directory or s3://bucket/prefix.").
			WithValidator(cd.LambdaValidator(func(name string, value any) error {
				text, _ := value.(string)
				if _, err := parseStoreURL(text); err != nil {
					return cd.Invalid(name, value, err.Error())
				}
				return nil
			}, "file:///directory or s3://bucket/prefix")),
		cd.Optional("header", cd.String, defaultHeader, cd.Low, "Header that holds the reference.").WithValidator(cd.NonEmptyString()),
		cd.Optional("timeout.ms", cd.Long, 30_000, cd.Low, "Milliseconds that the store may take for one value.").WithValidator(cd.AtLeast(1)),
		cd.Optional("s3.endpoint", cd.String, nil, cd.Medium, "URL of an S3-compatible service, such as http://minio:9000; without it, Amazon's of the region."),
		cd.Optional("s3.region", cd.String, "us-east-1", cd.Medium, "Region of the bucket."),
		cd.Optional("s3.access.key.id", cd.String, nil, cd.Medium, "Access key; without it, AWS_ACCESS_KEY_ID of the environment is taken."),
		cd.Optional("s3.secret.access.key", cd.Password, nil, cd.Medium, "Secret key; without it, AWS_SECRET_ACCESS_KEY of the environment is taken."),
		cd.Optional("s3.session.token", cd.Password, nil, cd.Low, "Session token of temporary keys; without it, AWS_SESSION_TOKEN of the environment is taken."),
	}
}

// common is what both transforms keep.
type common struct {
	store   store
	header  string
	timeout time.Duration
}

func (t *common) configure(c *cd.Config) (err error) {
	t.header = c.String("header")
	t.timeout = time.Duration(c.Long("timeout.ms")) * time.Millisecond
	t.store, err = openStore(c)
	return err
}

// Close ends the connections to the store.
func (t *common) Close() error {
	if t.store == nil {
		return nil
	}
	return t.store.close()
}

// check is ClaimCheck.
type check struct {
	common
	threshold int64
}

// New makes a ClaimCheck.
func New() connect.Transform { return &check{} }

func (t *check) ConfigDef() *cd.Def {
	return cd.New(append(storeKeys(),
		cd.Optional("threshold.bytes", cd.Long, 900_000, cd.High, "Values larger than this many bytes go to the store. "+
			"Of structured values the size is estimated.").WithValidator(cd.AtLeast(1)))...)
}

func (t *check) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.threshold = c.Long("threshold.bytes")
	return t.configure(c)
}

func (t *check) Apply(ctx context.Context, r *connect.Record) (*connect.Record, error) {
	if sizeOf(r.Value, 0) <= t.threshold {
		return r, nil
	}
	content, err := encode(r.ValueSchema, r.Value)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	key := segment(r.Topic) + "/" + digest[:2] + "/" + digest
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	if err := t.store.put(ctx, key, content); err != nil {
		return nil, err
	}
	reference := schema.OfString(t.store.url() + key)
	c := r.Copy()
	c.Headers = r.Headers.Without(t.header).With(t.header, schema.Of(schema.String), reference)
	c.Value = reference
	if c.ValueSchema != nil {
		c.ValueSchema = schema.Of(schema.String)
	}
	return c, nil
}

// segment makes a topic one part of a path.
func segment(topic string) string {
	s := url.PathEscape(topic)
	if strings.Trim(s, ".") == "" {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return s
}

// sizeOf estimates the bytes that a value takes.
func sizeOf(v schema.Value, depth int) (n int64) {
	if depth > deepest {
		return 0
	}
	switch v.Kind() {
	case schema.KindString:
		return int64(len(v.Str()))
	case schema.KindBytes:
		return int64(len(v.Bytes()))
	case schema.KindDecimal:
		return int64(len(v.Decimal().UnscaledBytes()))
	case schema.KindArray:
		for _, e := range v.Array() {
			n += 1 + sizeOf(e, depth+1)
		}
		return n
	case schema.KindMap:
		for _, e := range v.Map().Entries() {
			n += 2 + sizeOf(e.Key, depth+1) + sizeOf(e.Value, depth+1)
		}
		return n
	case schema.KindStruct:
		for i := range v.Struct().Schema().Fields() {
			n += int64(len(v.Struct().Schema().Fields()[i].Name())) + sizeOf(v.Struct().RawAt(i), depth+1)
		}
		return n
	}
	return 8
}

// restore is ClaimCheckRestore.
type restore struct {
	common
	limit int64
}

// NewRestore makes a ClaimCheckRestore.
func NewRestore() connect.Transform { return &restore{} }

func (t *restore) ConfigDef() *cd.Def {
	return cd.New(append(storeKeys(),
		cd.Optional("max.bytes", cd.Long, 256<<20, cd.Low, "Values larger than this many bytes are refused.").WithValidator(cd.AtLeast(1)))...)
}

func (t *restore) Configure(props map[string]string) error {
	c, err := t.ConfigDef().Parse(props)
	if err != nil {
		return err
	}
	t.limit = c.Long("max.bytes")
	return t.configure(c)
}

func (t *restore) Apply(ctx context.Context, r *connect.Record) (*connect.Record, error) {
	h, ok := r.Headers.Last(t.header)
	if !ok {
		return r, nil
	}
	var reference string
	switch h.Value.Kind() {
	case schema.KindString:
		reference = h.Value.Str()
	case schema.KindBytes:
		reference = string(h.Value.Bytes())
	default:
		return nil, errs.Data("Header %s holds %s, not the reference to a value", t.header, h.Value.Kind())
	}
	key, ok := strings.CutPrefix(reference, t.store.url())
	parts := strings.Split(key, "/")
	if !ok || len(parts) != 3 || parts[0] == "" || strings.Trim(parts[0], ".") == "" || len(parts[2]) != 2*sha256.Size || parts[1] != parts[2][:2] {
		return nil, errs.Data("Header %s refers to %s, which is not a value in the store %s", t.header, reference, t.store.url()).
			WithHint("store.url must be that of the ClaimCheck that wrote the record")
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	content, err := t.store.get(ctx, key, t.limit)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != parts[2] {
		return nil, errs.Data("What is stored as %s is not what was put there: its SHA-256 is %x", reference, sum)
	}
	c := r.Copy()
	if c.ValueSchema, c.Value, err = decode(content); err != nil {
		return nil, err
	}
	c.Headers = r.Headers.Without(t.header)
	return c, nil
}
