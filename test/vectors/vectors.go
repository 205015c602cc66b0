// Package vectors holds what Apache Kafka Connect 4.1.1's own classes did with
// some thousands of inputs, and compares our results with theirs. Tests alone
// import it.
//
// The files are JSON lines, one case a line, made by Connect's connect-api,
// connect-json, connect-transforms and connect-runtime on Java 17 in UTC. Their
// notation is that of package runtime/preview/notation.
package vectors

import (
	"bufio"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"math"
)

//go:embed testdata/*.jsonl.gz
var files embed.FS

// The files.
const (
	Transforms       = "transforms"
	JSONConverter    = "json_converter"
	SimpleConverters = "simple_converters"
	HeaderConverter  = "header_converter"
	ConfigDef        = "configdef"
	Values           = "values"

	AvroConverter       = "avro_converter"
	ProtobufConverter   = "protobuf_converter"
	JSONSchemaConverter = "json_schema_converter"
)

// Lines returns the lines of a file.
func Lines(name string) (lines [][]byte, err error) {
	f, err := files.Open("testdata/" + name + ".jsonl.gz")
	if err != nil {
		return nil, fmt.Errorf("open vectors: %w", err)
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read vectors %s: %w", name, err)
	}
	in := bufio.NewScanner(z)
	in.Buffer(nil, math.MaxInt32)
	for in.Scan() {
		lines = append(lines, append([]byte(nil), in.Bytes()...))
	}
	return lines, in.Err()
}

// Case is one line of the files about transforms and converters; which members
// there are depends on the file.
type Case struct {
	ID     string            `json:"id"`
	Class  string            `json:"class"`
	Method string            `json:"method"`
	Config map[string]string `json:"config"`
	IsKey  bool              `json:"isKey"`
	Input  json.RawMessage   `json:"input"`
	Record json.RawMessage   `json:"record"`
	Result json.RawMessage   `json:"result"`
	// Line is the whole line.
	Line []byte `json:"-"`
}

// Cases returns the cases of a file.
func Cases(name string) ([]Case, error) {
	lines, err := Lines(name)
	if err != nil {
		return nil, err
	}
	cases := make([]Case, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal(line, &cases[i]); err != nil {
			return nil, fmt.Errorf("vectors %s line %d: %w", name, i+1, err)
		}
		cases[i].Line = line
	}
	return cases, nil
}
