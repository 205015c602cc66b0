package claimcheck

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
)

func configured(t *testing.T, tr connect.Transform, props map[string]string) connect.Transform {
	t.Helper()
	if err := tr.Configure(props); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

func apply(t *testing.T, tr connect.Transform, r *connect.Record) *connect.Record {
	t.Helper()
	out, err := tr.Apply(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// structured is a record with a schema of every kind.
func structured() *connect.Record {
	inner := schema.NewStruct().Name("In").Version(2).Doc("d").Optional().Field("b", schema.Of(schema.Bytes)).MustBuild()
	s := schema.NewStruct().Param("p", "q").
		Field("i8", schema.Of(schema.Int8)).Field("f32", schema.Of(schema.Float32)).Field("f64", schema.OptionalOf(schema.Float64)).
		Field("ok", schema.NewBuilder(schema.Boolean).Default(schema.OfBoolean(true)).MustBuild()).
		Field("dec", schema.DecimalBuilder(2).MustBuild()).Field("at", schema.TimestampBuilder().Optional().MustBuild()).
		Field("list", schema.NewArray(inner).MustBuild()).Field("map", schema.NewMapOf(schema.Of(schema.String), schema.Of(schema.Int64)).MustBuild()).
		MustBuild()
	m := schema.NewMap(1)
	m.PutString("k", schema.OfInt64(-1))
	in := schema.OfStruct(schema.StructOf(inner, []schema.Value{schema.OfBytes(bytes.Repeat([]byte{7}, 3000))}))
	return &connect.Record{Topic: "big/topic", ValueSchema: s, Value: schema.OfStruct(schema.StructOf(s, []schema.Value{
		schema.OfInt8(-5), schema.OfFloat32(1.5), schema.Null(), schema.OfBoolean(false), schema.OfDecimal(schema.DecimalFromInt64(-123, 2)),
		schema.OfDate(5), schema.OfArray([]schema.Value{in, schema.Null()}), schema.OfMap(m)}))}
}

func TestFileStore(t *testing.T) {
	props := map[string]string{"store.url": "file://" + t.TempDir(), "threshold.bytes": "1000"}
	in, back := configured(t, New(), props), configured(t, NewRestore(), props)
	for name, r := range map[string]*connect.Record{
		"a struct":          structured(),
		"schemaless text":   {Topic: "..", Value: schema.OfString(strings.Repeat("x", 2000))},
		"bytes":             {Topic: "t", ValueSchema: schema.Of(schema.Bytes), Value: schema.OfBytes(make([]byte, 5000))},
		"with other header": {Topic: "t", Value: schema.OfString(strings.Repeat("y", 2000)), Headers: connect.Headers{{Key: "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			checked := apply(t, in, r)
			ref, ok := checked.Headers.Last(defaultHeader)
			if !ok || checked.Value.Kind() != schema.KindString || checked.Value.Str() != ref.Value.Str() || len(checked.Headers) != len(r.Headers)+1 {
				t.Fatalf("no reference: %+v", checked)
			}
			if (checked.ValueSchema == nil) != (r.ValueSchema == nil) {
				t.Error("a schema came or went")
			}
			again := apply(t, in, r)
			if again.Value.Str() != checked.Value.Str() {
				t.Error("the same value was put elsewhere")
			}
			restored := apply(t, back, checked)
			if !restored.Value.Equal(r.Value) || !restored.ValueSchema.Equal(r.ValueSchema) || len(restored.Headers) != len(r.Headers) {
				t.Errorf("came back as %+v", restored)
			}
		})
	}
	small := &connect.Record{Topic: "t", Value: schema.OfString("small")}
	if apply(t, in, small) != small || apply(t, back, small) != small {
		t.Error("a small record was changed")
	}
}

func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	props := map[string]string{"store.url": "file://" + dir, "threshold.bytes": "10", "max.bytes": "100"}
	in, back := configured(t, New(), props), configured(t, NewRestore(), props)
	checked := apply(t, in, &connect.Record{Topic: "t", Value: schema.OfString("this is more than ten")})
	large := apply(t, in, &connect.Record{Topic: "t", Value: schema.OfString(strings.Repeat("x", 200))})
	digest := strings.Repeat("0", 64)
	for reference, want := range map[string]string{
		"file://" + dir + "/t/00/" + digest:    "There is no value at",
		"file://" + dir + "/../t/00/" + digest: "is not a value in the store",
		"file:///etc/passwd":                   "is not a value in the store",
		"s3://bucket/t/00/" + digest:           "is not a value in the store",
		large.Value.Str():                      "is larger than 100 bytes",
	} {
		r := checked.Copy()
		r.Headers = connect.Headers{{Key: defaultHeader, Value: schema.OfString(reference)}}
		if _, err := back.Apply(context.Background(), r); errs.Class(err) != errs.ClassData || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", reference, err, want)
		}
	}
	path := filepath.Join(dir, strings.TrimPrefix(checked.Value.Str(), "file://"+dir))
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Apply(context.Background(), checked); err == nil || !strings.Contains(err.Error(), "is not what was put there") {
		t.Errorf("damage: %v", err)
	}
}

// fakeS3 is an S3 that checks signatures and keeps objects in memory.
type fakeS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	refuse  int
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || f.refuse != 0 {
		http.Error(w, "<Error>refused</Error>", f.refuse)
		return
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		http.Error(w, "no date", http.StatusForbidden)
		return
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.EscapedPath(), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sign(again, r.Header.Get("X-Amz-Content-Sha256"), credentials{"id", "secret", ""}, "eu-1", at)
	if again.Header.Get("Authorization") != r.Header.Get("Authorization") {
		http.Error(w, "SignatureDoesNotMatch", http.StatusForbidden)
		return
	}
	switch r.Method {
	case http.MethodPut:
		f.objects[r.URL.Path] = body
	case http.MethodGet:
		b, ok := f.objects[r.URL.Path]
		if !ok {
			http.Error(w, "NoSuchKey", http.StatusNotFound)
			return
		}
		if _, err := w.Write(b); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

func TestS3Store(t *testing.T) {
	fake := &fakeS3{objects: map[string][]byte{}}
	server := httptest.NewServer(fake)
	defer server.Close()
	props := map[string]string{"store.url": "s3://bucket/some prefix", "s3.endpoint": server.URL, "s3.region": "eu-1", "s3.access.key.id": "id",
		"s3.secret.access.key": "secret", "threshold.bytes": "1000"}
	in, back := configured(t, New(), props), configured(t, NewRestore(), props)
	r := structured()
	checked := apply(t, in, r)
	if !strings.HasPrefix(checked.Value.Str(), "s3://bucket/some prefix/big%2Ftopic/") || len(fake.objects) != 1 {
		t.Errorf("%s, %d objects", checked.Value.Str(), len(fake.objects))
	}
	if restored := apply(t, back, checked); !restored.Value.Equal(r.Value) || !restored.ValueSchema.Equal(r.ValueSchema) {
		t.Errorf("came back as %+v", restored)
	}
	for refuse, retriable := range map[int]bool{503: true, 429: true, 403: false} {
		fake.refuse = refuse
		if _, err := in.Apply(context.Background(), r); err == nil || errs.IsRetriable(err) != retriable || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: %v", refuse, err)
		}
	}
	fake.refuse = 0
	clear(fake.objects)
	if _, err := back.Apply(context.Background(), checked); errs.Class(err) != errs.ClassData || errs.IsRetriable(err) {
		t.Errorf("gone: %v", err)
	}
	props["s3.secret.access.key"] = "other"
	wrong := configured(t, New(), props)
	if _, err := wrong.Apply(context.Background(), r); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("wrong secret: %v", err)
	}
	server.Close()
	if _, err := in.Apply(context.Background(), r); !errs.IsRetriable(err) {
		t.Errorf("no server: %v", err)
	}
}

// The example of a GET in Amazon's documentation of Signature Version 4.
func TestSignature(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=0-9")
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	sign(req, empty, credentials{id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, "us-east-1",
		time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	if got := req.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41") {
		t.Errorf("got %s", got)
	}
}

func TestConfigErrors(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	for url, want := range map[string]string{
		"":                "it must be file:///directory or s3://bucket/prefix",
		"file://host/dir": "it must be file:///directory",
		"s3:///x":         "it must be file:///directory",
		"s3://b/p?x=1":    "it must hold nothing but",
		"s3://b":          "needs s3.access.key.id",
	} {
		if err := New().Configure(map[string]string{"store.url": url}); errs.Class(err) != errs.ClassConfig || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	r := structured()
	content, err := encode(r.ValueSchema, r.Value)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte(magic + "\x00\x08\x03abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, v, err := decode(b)
		if err != nil {
			return
		}
		again, err := encode(s, v)
		if err != nil {
			t.Fatalf("decoded, but not encoded: %v", err)
		}
		s2, v2, err := decode(again)
		if err != nil || !s2.Equal(s) || !v2.Equal(v) {
			t.Fatalf("not the same after encoding again: %v", err)
		}
	})
}
