package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A standalone worker keeps its offsets in a file that Java's serialization wrote: one
// java.util.HashMap with byte[] keys and values (FileOffsetBackingStore). This file
// reads and writes the part of that format which such a map needs (Java Object
// Serialization Specification, chapter 6).

const (
	serMagic   = 0xaced
	serVersion = 5

	tcNull      = 0x70
	tcReference = 0x71
	tcClassDesc = 0x72
	tcObject    = 0x73
	tcArray     = 0x75
	tcBlockData = 0x77
	tcEndBlock  = 0x78

	serBaseHandle = 0x7e0000

	hashMapUID   uint64 = 0x0507dac1c31660d1
	byteArrayUID uint64 = 0xacf317f8060854e0

	scWriteMethod  = 1
	scSerializable = 2
)

// encodeJavaMap writes a HashMap<byte[],byte[]> as Java's ObjectOutputStream does. A nil
// key or value is null.
func encodeJavaMap(records []OffsetRecord) []byte {
	b := binary.BigEndian.AppendUint16(nil, serMagic)
	b = binary.BigEndian.AppendUint16(b, serVersion)
	b = append(b, tcObject)
	b = appendClass(b, "java.util.HashMap", hashMapUID, scWriteMethod|scSerializable, "FloadFactor", "Ithreshold")
	capacity, threshold := hashMapSize(len(records))
	b = append(b, 0x3f, 0x40, 0, 0) // a load factor of 0.75
	b = binary.BigEndian.AppendUint32(b, threshold)
	b = append(b, tcBlockData, 8)
	b = binary.BigEndian.AppendUint32(b, capacity)
	b = binary.BigEndian.AppendUint32(b, uint32(len(records)))
	described := false
	array := func(p []byte) {
		if p == nil {
			b = append(b, tcNull)
			return
		}
		b = append(b, tcArray)
		if described {
			b = append(b, tcReference)
			b = binary.BigEndian.AppendUint32(b, serBaseHandle+2) // after the map's class and the map
		} else {
			b = appendClass(b, "[B", byteArrayUID, scSerializable)
			described = true
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	for _, r := range records {
		array(r.Key)
		array(r.Value)
	}
	return append(b, tcEndBlock)
}

func appendClass(b []byte, name string, uid uint64, flags byte, fields ...string) []byte {
	text := func(s string) {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	b = append(b, tcClassDesc)
	text(name)
	b = binary.BigEndian.AppendUint64(b, uid)
	b = append(b, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(len(fields)))
	for _, f := range fields {
		b = append(b, f[0])
		text(f[1:])
	}
	return append(b, tcEndBlock, tcNull)
}

// hashMapSize is the size and threshold that java.util.HashMap has after n puts.
func hashMapSize(n int) (capacity, threshold uint32) {
	if n == 0 {
		return 16, 0
	}
	capacity = 16
	for uint32(n) > capacity/4*3 {
		capacity *= 2
	}
	return capacity, capacity / 4 * 3
}

// decodeJavaMap reads what encodeJavaMap or Java wrote. The error wraps io.EOF or
// io.ErrUnexpectedEOF when the bytes end too soon.
func decodeJavaMap(b []byte) ([]OffsetRecord, error) {
	d := &javaReader{r: bytes.NewReader(b)}
	magic, version := d.uint16(), d.uint16()
	if d.err == nil && (magic != serMagic || version != serVersion) {
		return nil, fmt.Errorf("invalid stream header: %04X%04X", magic, version)
	}
	records := d.hashMap()
	return records, d.err
}

type javaReader struct {
	r   *bytes.Reader
	err error
	// handles are the class names of descriptors, the arrays, and nil for the map.
	handles []any
}

func (d *javaReader) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

func (d *javaReader) bytes(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n > d.r.Len() {
		d.err = io.ErrUnexpectedEOF
		return nil
	}
	p := make([]byte, n)
	_, d.err = io.ReadFull(d.r, p)
	return p
}

func (d *javaReader) byte() byte {
	p := d.bytes(1)
	if len(p) == 0 {
		return 0
	}
	return p[0]
}

func (d *javaReader) uint16() uint16 {
	if p := d.bytes(2); len(p) == 2 {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (d *javaReader) uint32() uint32 {
	if p := d.bytes(4); len(p) == 4 {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (d *javaReader) uint64() uint64 {
	if p := d.bytes(8); len(p) == 8 {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// handle returns what a reference points to.
func (d *javaReader) handle() any {
	i := d.uint32() - serBaseHandle
	if d.err == nil && i >= uint32(len(d.handles)) {
		d.fail("a reference to nothing")
	}
	if d.err != nil {
		return nil
	}
	return d.handles[i]
}

// class reads a class descriptor or a reference to one and returns the class's name.
func (d *javaReader) class() string {
	switch tag := d.byte(); {
	case d.err != nil:
		return ""
	case tag == tcReference:
		name, ok := d.handle().(string)
		if !ok {
			d.fail("a reference to a class is none")
		}
		return name
	case tag != tcClassDesc:
		d.fail("unexpected type code %02X for a class", tag)
		return ""
	}
	name := string(d.bytes(int(d.uint16())))
	d.uint64() // the version of the class; those of these two never change
	d.handles = append(d.handles, name)
	d.byte()
	for n := d.uint16(); n > 0 && d.err == nil; n-- {
		kind := d.byte()
		d.bytes(int(d.uint16()))
		if kind == 'L' || kind == '[' {
			d.fail("Expected HashMap but found class %s", name)
		}
	}
	if end, super := d.byte(), d.byte(); d.err == nil && (end != tcEndBlock || super != tcNull) {
		d.fail("Expected HashMap but found class %s", name)
	}
	return name
}

func (d *javaReader) hashMap() []OffsetRecord {
	if tag := d.byte(); d.err == nil && tag != tcObject {
		d.fail("Expected HashMap but found type code %02X", tag)
	}
	if name := d.class(); d.err == nil && name != "java.util.HashMap" {
		d.fail("Expected HashMap but found class %s", name)
	}
	d.handles = append(d.handles, nil)
	d.uint32() // load factor
	d.uint32() // threshold
	if tag, n := d.byte(), d.byte(); d.err == nil && (tag != tcBlockData || n != 8) {
		d.fail("not the data of a HashMap")
	}
	d.uint32() // buckets
	size := d.uint32()
	var records []OffsetRecord
	for i := uint32(0); i < size && d.err == nil; i++ {
		key := d.array()
		value := d.array()
		if d.err == nil {
			records = append(records, OffsetRecord{key, value})
		}
	}
	if tag := d.byte(); d.err == nil && tag != tcEndBlock {
		d.fail("data after the last entry of the HashMap")
	}
	return records
}

// array reads a byte[], a reference to one, or null.
func (d *javaReader) array() []byte {
	switch tag := d.byte(); {
	case d.err != nil, tag == tcNull:
		return nil
	case tag == tcReference:
		p, ok := d.handle().([]byte)
		if !ok {
			d.fail("a reference to a byte[] is none")
		}
		return p
	case tag != tcArray:
		d.fail("an entry of the HashMap is not a byte[]: type code %02X", tag)
		return nil
	}
	if name := d.class(); d.err == nil && name != "[B" {
		d.fail("an entry of the HashMap is not a byte[] but %s", name)
	}
	n := d.uint32()
	if d.err == nil && n > uint32(d.r.Len()) {
		d.err = io.ErrUnexpectedEOF
	}
	p := d.bytes(int(n))
	d.handles = append(d.handles, p)
	return p
}

// truncated says whether err tells of a file that ends too soon.
func truncated(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
