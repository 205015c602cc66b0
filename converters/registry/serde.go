package registry

import (
	"context"
	"errors"
	"time"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

// Serde is what a converter asks of a registry and of the wire format
// (AbstractKafkaSchemaSerDe). It is for one goroutine at a time.
type Serde struct {
	settings
	format Format
	client Client
	close  func()

	documents *schema.Cache[documentKey, Document]
	versions  *schema.Cache[versionKey, int32]
	resolved  *schema.Cache[resolvedKey, Registered]
	latest    *schema.Cache[string, Registered]
	tagged    *schema.Cache[string, Registered]
}

type documentKey struct {
	subject, guid string
	id            int32
}

type versionKey struct{ subject, text string }

type resolvedKey struct{ subject, text string }

// Open reads the settings of a converter for one format. The client is made of them
// where none is given.
func Open(props map[string]string, isKey bool, format Format, client Client) (*Serde, error) {
	own, c, err := parse(props, isKey)
	if err != nil {
		return nil, err
	}
	s := &Serde{
		settings: own, format: format, client: client, close: func() {},
		documents: schema.NewCache[documentKey, Document](own.cacheSize),
		versions:  schema.NewCache[versionKey, int32](own.cacheSize),
		resolved:  schema.NewCache[resolvedKey, Registered](own.cacheSize),
		latest:    schema.NewCache[string, Registered](own.latestSize),
		tagged:    schema.NewCache[string, Registered](own.latestSize),
	}
	if client == nil {
		h, err := newHTTP(c)
		if err != nil {
			return nil, err
		}
		s.client, s.close = h, h.close
	}
	return s, nil
}

// Close lets go of connections.
func (s *Serde) Close() error {
	s.close()
	return nil
}

// Phrases are what a format's serializer says of a record that it cannot write.
type Phrases struct {
	Register string // a refusal to register; the schema's text follows
	Latest   string // no latest version; the schema's text follows
	Lookup   string // no such schema; the schema's text follows
	Failed   string // anything else
}

// Resolve finds the schema to write a record with, as the settings say: it registers the
// document, looks it up, or takes another schema in its place, if compatible says that
// this one can read what the document would write. What fails is as Java's serializers
// throw it.
func (s *Serde) Resolve(ctx context.Context, subject string, d Document, p Phrases, compatible func(Registered) error) (Registered, error) {
	key := resolvedKey{subject, d.Text}
	if r, ok := s.resolved.Get(key); ok && s.Fresh(r) {
		return r, nil
	}
	asking, r, err := s.ask(ctx, subject, d, p, compatible)
	if err == nil {
		err = refusedByRule(r.Document, "WRITE")
	}
	if err != nil {
		return Registered{}, Thrown(err, asking+d.Text, p.Failed)
	}
	s.resolved.Put(key, r)
	return r, nil
}

func (s *Serde) ask(ctx context.Context, subject string, d Document, p Phrases, compatible func(Registered) error) (asking string, r Registered, err error) {
	switch {
	case s.register:
		asking = p.Register
		r, err = s.client.Register(ctx, subject, d, s.normalize)
	case s.useID >= 0:
		asking = "Error retrieving schema ID"
		if r.Document, err = s.client.ByID(ctx, subject, s.useID); err == nil {
			r.ID, r.Subject, r.GUID = s.useID, subject, guid(r.Document)
			if s.idStrict {
				err = s.checked(r, compatible, idStrictKey, "")
			}
		}
	case s.metadata != nil:
		asking = "Error retrieving latest with metadata '" + s.metadataText + "'"
		r, err = s.Tagged(ctx, subject)
	case s.useLatest:
		asking = p.Latest
		if r, err = s.Latest(ctx, subject); err == nil && s.latestStrict {
			err = s.checked(r, compatible, latestStrictKey, ". See log file for more details.")
		}
	default:
		asking = p.Lookup
		r, err = s.client.Lookup(ctx, subject, d, s.normalize, false)
	}
	return asking, r, err
}

func (s *Serde) checked(r Registered, compatible func(Registered) error, key, suffix string) error {
	err := compatible(r)
	if err == nil {
		return nil
	}
	e := errs.Wrap(classIO, err, "Incompatible schema of type '%s. Set %s=false to disable this check%s", r.Format, key, suffix)
	return e.WithHint("%v", err)
}

// refusedByRule is the error of data rules, which are not carried out here.
func refusedByRule(d Document, mode string) error {
	for _, r := range d.Rules {
		if r.applies(mode) {
			return errs.New(errs.ClassSerialization, "Rule failed: %s", r.Name).
				WithHint("Could not find rule executor of type %s; data rules of registries cannot be carried out", r.Type)
		}
	}
	return nil
}

// Fresh says whether what was resolved may still be used without asking again.
func (s *Serde) Fresh(r Registered) bool {
	return r.expires.IsZero() || time.Now().Before(r.expires)
}

func (s *Serde) expiring(r Registered) Registered {
	if s.latestTTL >= 0 {
		r.expires = time.Now().Add(s.latestTTL)
	}
	return r
}

// Reader finds the version that records are to be read as, where the settings want
// another than the one they were written with (use.latest.version and
// use.latest.with.metadata).
func (s *Serde) Reader(ctx context.Context, subject string) (r Registered, wanted bool, err error) {
	switch {
	case s.metadata != nil:
		r, err = s.Tagged(ctx, subject)
	case s.useLatest:
		r, err = s.Latest(ctx, subject)
	default:
		return r, false, nil
	}
	return r, true, err
}

// Latest is the latest version under a subject, for as long as latest.cache.ttl.sec says.
func (s *Serde) Latest(ctx context.Context, subject string) (Registered, error) {
	return s.kept(s.latest, subject, func() (Registered, error) { return s.client.Latest(ctx, subject) })
}

// Tagged is the latest version with the metadata of use.latest.with.metadata.
func (s *Serde) Tagged(ctx context.Context, subject string) (Registered, error) {
	return s.kept(s.tagged, subject, func() (Registered, error) { return s.client.LatestWithMetadata(ctx, subject, s.metadata) })
}

func (s *Serde) kept(in *schema.Cache[string, Registered], subject string, ask func() (Registered, error)) (Registered, error) {
	if r, ok := in.Get(subject); ok && s.Fresh(r) {
		return r, nil
	}
	r, err := ask()
	if err != nil {
		return r, err
	}
	r = s.expiring(r)
	in.Put(subject, r)
	return r, nil
}

// Fetch finds the schema with an id, which is looked for under the subject first. The
// error is that of the client.
func (s *Serde) Fetch(ctx context.Context, subject string, id ID) (Document, error) {
	if id.none {
		return Document{}, errs.New(errs.ClassSerialization, "Could not deserialize schema ID").
			WithHint("set %s or %s", useIDKey, useGUIDKey)
	}
	key := documentKey{subject, id.GUID, id.Number}
	if d, ok := s.documents.Get(key); ok {
		return d, nil
	}
	var d Document
	var err error
	if id.GUID != "" {
		d, err = s.client.ByGUID(ctx, id.GUID)
	} else {
		d, err = s.client.ByID(ctx, subject, id.Number)
	}
	if err == nil {
		err = refusedByRule(d, "READ")
	}
	if err != nil {
		return Document{}, err
	}
	s.documents.Put(key, d)
	return d, nil
}

// Version finds the version of a schema under a subject, deleted ones too. The error is
// that of the client.
func (s *Serde) Version(ctx context.Context, subject string, d Document) (int32, error) {
	if v := d.version(); v != 0 {
		return v, nil
	}
	key := versionKey{subject, d.Text}
	if v, ok := s.versions.Get(key); ok {
		return v, nil
	}
	r, err := s.client.Lookup(ctx, subject, d, false, true)
	if err != nil {
		return 0, err
	}
	s.versions.Put(key, r.Version)
	return r.Version, nil
}

// Named is a document by the name that others refer to it with.
type Named struct {
	Name string
	Document
}

// maxReferences bounds the documents that one may refer to, itself and through others.
const maxReferences = 10_000

// errReferences is the error of too many of them.
var errReferences = errors.New("the schema refers to more than 10000 others")

// References finds the documents that one refers to, itself or through others. Each
// comes after those that it refers to itself, and once per name.
func (s *Serde) References(ctx context.Context, d Document) ([]Named, error) {
	return Resolved(ctx, s.client, d)
}

// Resolved finds the documents that one refers to, as [Serde.References] does.
func Resolved(ctx context.Context, c Client, d Document) ([]Named, error) {
	var found []Named
	seen := map[string]bool{}
	var visit func(Document) error
	visit = func(d Document) error {
		for _, ref := range d.References {
			if seen[ref.Name] {
				continue
			}
			if seen[ref.Name] = true; len(seen) > maxReferences {
				return errReferences
			}
			r, err := c.ByVersion(ctx, ref.Subject, ref.Version)
			if err != nil {
				return err
			}
			if err := visit(r.Document); err != nil {
				return err
			}
			found = append(found, Named{ref.Name, r.Document})
		}
		return nil
	}
	if err := visit(d); err != nil {
		return nil, err
	}
	return found, nil
}
