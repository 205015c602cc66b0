package registry

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// First bytes of an id (SchemaId).
const (
	magicNumber = 0 // a number of four bytes follows
	magicGUID   = 1 // a GUID of 16 bytes follows
)

// Headers that bear ids.
const (
	keyHeader   = "__key_schema_id"
	valueHeader = "__value_schema_id"
)

// classUnderflow is what Java throws at the end of a buffer.
const classUnderflow = "java.nio.BufferUnderflowException"

// ID is how a record names the schema that it was written with.
type ID struct {
	Format Format
	Number int32
	GUID   string // in place of a number, where it is not empty
	// Indexes lead to a message in a file of Protobuf.
	Indexes []int
	none    bool // neither number nor GUID
}

// String is the id as Java prints it, save the indexes, which Java prints as an address.
func (id ID) String() string {
	number, guid := "null", id.GUID
	if guid == "" {
		guid = "null"
		if !id.none {
			number = strconv.Itoa(int(id.Number))
		}
	}
	indexes := "null"
	if id.Indexes != nil {
		indexes = fmt.Sprint(id.Indexes)
	}
	return fmt.Sprintf("SchemaId{schemaType='%s', id=%s, guid='%s', messageIndexes=%s}", id.Format, number, guid, indexes)
}

// Begin appends what stands before a record's payload. indexes are those of Protobuf,
// nil for other formats.
func (s *Serde) Begin(dst []byte, r Registered, indexes []int) ([]byte, error) {
	if s.inHeader() {
		return dst, nil
	}
	dst = binary.BigEndian.AppendUint32(append(dst, magicNumber), uint32(r.ID))
	return appendIndexes(dst, indexes), nil
}

// Finish adds the header that names the schema where headers do so.
func (s *Serde) Finish(headers *connect.RawHeaders, r Registered, indexes []int) error {
	if !s.inHeader() {
		return nil
	}
	if headers == nil {
		return errs.New(errs.ClassSerialization, "Missing headers")
	}
	guid, err := hex.DecodeString(strings.ReplaceAll(r.GUID, "-", ""))
	if err != nil || len(guid) != 16 {
		return errs.New(errs.ClassSerialization, "Schema GUID is null").
			WithHint("the registry gives schema %d no GUID, which %s needs; set %s to %sPrefixSchemaIdSerializer", r.ID, s.serializer, s.side()+serializerSuffix, idPackage)
	}
	*headers = append(*headers, connect.RawHeader{Key: s.header(), Value: appendIndexes(append([]byte{magicGUID}, guid...), indexes)})
	return nil
}

func (s *Serde) inHeader() bool { return s.serializer == "HeaderSchemaIdSerializer" }

func (s *Serde) side() string {
	if s.isKey {
		return "key"
	}
	return "value"
}

func (s *Serde) header() string {
	if s.isKey {
		return keyHeader
	}
	return valueHeader
}

func appendIndexes(dst []byte, indexes []int) []byte {
	switch {
	case indexes == nil:
		return dst
	case len(indexes) == 1 && indexes[0] == 0:
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(indexes)))
	for _, i := range indexes {
		dst = binary.AppendVarint(dst, int64(i))
	}
	return dst
}

// Unframe finds the id of the schema that a record was written with, and its payload.
func (s *Serde) Unframe(headers *connect.RawHeaders, b []byte) (ID, []byte, error) {
	id := ID{Format: s.format, none: true}
	switch s.deserializer {
	case "ConfigSchemaIdDeserializer":
		id.GUID, id.Number, id.none = s.useGUID, s.useID, s.useID < 0 && s.useGUID == ""
		return id, b, nil
	case "PrefixSchemaIdDeserializer":
		payload, err := id.read(b)
		return id, payload, err
	}
	if headers != nil {
		for _, h := range slices.Backward(*headers) {
			if h.Key != s.header() {
				continue
			}
			if h.Value == nil {
				break
			}
			if _, err := id.read(h.Value); err != nil {
				return id, nil, errs.Wrap(errs.ClassSerialization, err, "Error deserializing schema ID")
			}
			return id, b, nil
		}
	}
	payload, err := id.read(b)
	if err != nil {
		e := errs.Wrap(errs.ClassSerialization, err, "Error deserializing schema ID")
		if guess := guess(b); guess != "" {
			e = e.WithHint("%s", guess)
		}
		return id, nil, e
	}
	return id, payload, nil
}

// read reads an id and returns what follows it (SchemaId.fromBytes).
func (id *ID) read(b []byte) ([]byte, error) {
	short := errs.Null(classUnderflow)
	if len(b) == 0 {
		return nil, short
	}
	switch magic, rest := b[0], b[1:]; {
	case magic == magicNumber && len(rest) >= 4:
		id.Number, id.none, b = int32(binary.BigEndian.Uint32(rest)), false, rest[4:]
	case magic == magicGUID && len(rest) >= 16:
		g := hex.EncodeToString(rest[:16])
		id.GUID, id.none, b = g[:8]+"-"+g[8:12]+"-"+g[12:16]+"-"+g[16:20]+"-"+g[20:], false, rest[16:]
	case magic == magicNumber, magic == magicGUID:
		return nil, short
	default:
		return nil, errs.IllegalArgument("Unknown magic byte!")
	}
	if id.Format != Protobuf {
		return b, nil
	}
	n, size := varint(b)
	if size <= 0 {
		return nil, varintError(size)
	}
	b = b[size:]
	if n == 0 {
		id.Indexes = []int{0}
		return b, nil
	}
	if n < 0 {
		return nil, errs.IllegalArgument("Illegal Capacity: %d", n)
	}
	id.Indexes = []int{}
	for range n {
		i, size := varint(b)
		if size <= 0 {
			return nil, varintError(size)
		}
		id.Indexes, b = append(id.Indexes, int(i)), b[size:]
	}
	return b, nil
}

// varint reads a number of at most 32 bits in zigzag form. size is 0 where it is cut
// off, and negative where it is too long (ByteUtils.readVarint).
func varint(b []byte) (v int32, size int) {
	var u uint32
	for i := 0; i < len(b); i++ {
		if i == 5 {
			return 0, -1
		}
		u |= uint32(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return int32(u>>1) ^ -int32(u&1), i + 1
		}
	}
	if len(b) >= 5 {
		return 0, -1
	}
	return 0, 0
}

func varintError(size int) error {
	if size < 0 {
		return errs.IllegalArgument("Varint is too long, the most significant bit in the 5th byte is set")
	}
	return errs.Null(classUnderflow)
}

// guess says what bytes are that bear no id, where that can be seen.
func guess(b []byte) string {
	trimmed := strings.TrimLeft(string(b[:min(len(b), 64)]), " \t\r\n")
	const cure = "set the converter to the one that wrote them, or send the record to a dead letter topic with errors.tolerance=all"
	switch {
	case len(b) == 0:
		return "the record is empty; " + cure
	case strings.HasPrefix(string(b), "Obj\x01"):
		return "the bytes are a file of Avro, without a registry's id; " + cure
	case trimmed != "" && strings.IndexByte(`{["`, trimmed[0]) >= 0:
		return "the bytes look like JSON without a registry's id; " + cure
	case utf8.Valid(b) && strings.IndexFunc(string(b), func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }) < 0:
		return "the bytes look like plain text; " + cure
	case b[0] > magicGUID:
		return fmt.Sprintf("the first byte is 0x%02x, where 0x00 or 0x01 comes before a registry's id; %s", b[0], cure)
	}
	return ""
}
