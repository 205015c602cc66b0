package protobuf

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Limits of a file, far above what people write.
const (
	maxText  = 16 << 20
	maxDepth = 100 // of messages in messages, and of options' values
)

var (
	errLong = errors.New("the .proto text is longer than 16 MiB")
	errDeep = errors.New("messages or options are nested deeper than 100 levels")
)

// parse reads the text of a .proto file, or a FileDescriptorProto in base64.
func parse(text string) (*fileDef, error) {
	if len(text) > maxText {
		return nil, errLong
	}
	f, err := parseText(text)
	if err == nil {
		return f, nil
	}
	// Such documents come from the registry's format "serialized".
	b, decodeErr := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if decodeErr != nil || len(b) == 0 {
		return nil, err
	}
	var d descriptorpb.FileDescriptorProto
	if proto.Unmarshal(b, &d) != nil {
		return nil, err
	}
	return fromDescriptor(&d)
}

func parseText(text string) (*fileDef, error) {
	if nesting(text) > 4*maxDepth {
		return nil, errDeep
	}
	f, err := readText(text)
	if err == nil {
		return f, nil
	}
	// Confluent's parser takes any word for a package, such as one with a dot at its end.
	at := packageLine.FindStringSubmatchIndex(text)
	if at == nil {
		return nil, err
	}
	f, again := readText(text[:at[2]] + "p" + text[at[3]:])
	if again != nil {
		return nil, err
	}
	f.pkg = text[at[2]:at[3]]
	return f, nil
}

var packageLine = regexp.MustCompile(`(?m)^[ \t]*package[ \t]+([A-Za-z0-9_.-]+)[ \t]*;`)

func readText(text string) (f *fileDef, err error) {
	// The parser's lexer goes beyond the text at the end of some broken strings.
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("the .proto text cannot be read: %v", r)
		}
	}()
	node, err := parser.Parse("schema.proto", strings.NewReader(text), reporter.NewHandler(nil))
	if err != nil {
		return nil, err
	}
	r := astReader{file: node}
	f = r.read(node)
	return f, r.err
}

// nesting is the depth of brackets in a text, those in strings and comments counted too:
// a cheap bound for what the parser would build.
func nesting(text string) int {
	depth, deepest := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth = max(0, depth-1)
		}
	}
	return deepest
}

type astReader struct {
	file *ast.FileNode
	err  error
}

func (r *astReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// source is the text of a node with its white space made single blanks.
func (r *astReader) source(n ast.Node) string {
	return strings.Join(strings.Fields(r.file.NodeInfo(n).RawText()), " ")
}

func (r *astReader) read(n *ast.FileNode) *fileDef {
	f := &fileDef{}
	switch {
	case n.Syntax != nil:
		f.syntax = n.Syntax.Syntax.AsString()
		if f.syntax != proto2 && f.syntax != proto3 {
			r.fail("unexpected syntax %q", f.syntax)
		}
	case n.Edition != nil:
		f.syntax = n.Edition.Edition.AsString()
	}
	for _, d := range n.Decls {
		switch d := d.(type) {
		case *ast.PackageNode:
			f.pkg = string(d.Name.AsIdentifier())
		case *ast.ImportNode:
			if d.Public != nil {
				f.public = append(f.public, d.Name.AsString())
			} else {
				f.imports = append(f.imports, d.Name.AsString())
			}
		case *ast.OptionNode:
			f.options = append(f.options, r.option(d))
		case *ast.MessageNode:
			f.messages = append(f.messages, r.message(d.Name.Val, &d.MessageBody, 0))
		case *ast.EnumNode:
			f.enums = append(f.enums, r.enum(d))
		case *ast.ExtendNode:
			f.extends = append(f.extends, r.source(d))
		case *ast.ServiceNode:
			f.services = append(f.services, r.source(d))
		}
	}
	return f
}

func (r *astReader) message(name string, body *ast.MessageBody, depth int) *messageDef {
	m := &messageDef{name: name}
	if depth > maxDepth {
		r.err = errDeep
		return m
	}
	for _, d := range body.Decls {
		switch d := d.(type) {
		case *ast.FieldNode:
			m.fields = append(m.fields, r.field(d, -1))
		case *ast.MapFieldNode:
			f := &fieldDef{name: d.Name.Val, number: r.number(d.Tag), keyType: d.MapType.KeyType.Val, typ: string(d.MapType.ValueType.AsIdentifier()), oneof: -1}
			r.fieldOptions(f, d.Options)
			m.fields = append(m.fields, f)
		case *ast.OneofNode:
			o := oneofDef{name: d.Name.Val}
			for _, e := range d.Decls {
				switch e := e.(type) {
				case *ast.FieldNode:
					m.fields = append(m.fields, r.field(e, len(m.oneofs)))
				case *ast.OptionNode:
					o.options = append(o.options, r.option(e))
				case *ast.GroupNode:
					o.groups = append(o.groups, r.source(e))
				}
			}
			m.oneofs = append(m.oneofs, o)
		case *ast.MessageNode:
			m.messages = append(m.messages, r.message(d.Name.Val, &d.MessageBody, depth+1))
		case *ast.EnumNode:
			m.enums = append(m.enums, r.enum(d))
		case *ast.OptionNode:
			o := r.option(d)
			m.options = append(m.options, o)
		case *ast.GroupNode:
			m.groups = append(m.groups, r.source(d))
		case *ast.ReservedNode:
			m.reserved = append(m.reserved, r.source(d))
		case *ast.ExtensionRangeNode:
			m.extensions = append(m.extensions, r.source(d))
		case *ast.ExtendNode:
			m.extends = append(m.extends, r.source(d))
		}
	}
	m.mapEntry = isTrue(m.options, "map_entry")
	return m
}

func (r *astReader) number(n *ast.UintLiteralNode) int32 {
	if n == nil || n.Val > math.MaxInt32 {
		r.fail("a field has no number, or one that is too large")
		return 0
	}
	return int32(n.Val)
}

func (r *astReader) field(n *ast.FieldNode, oneof int) *fieldDef {
	f := &fieldDef{name: n.Name.Val, typ: string(n.FldType.AsIdentifier()), number: r.number(n.Tag), oneof: oneof}
	if n.Label.KeywordNode != nil {
		f.label = n.Label.Val
	}
	r.fieldOptions(f, n.Options)
	return f
}

// fieldOptions reads the options of a field, of which two are no options at all.
func (r *astReader) fieldOptions(f *fieldDef, n *ast.CompactOptionsNode) {
	for _, o := range r.compact(n) {
		switch {
		case o.name == "default" && !o.paren:
			f.hasDef = true
			switch v := o.value.(type) {
			case string:
				f.def = v
			case word:
				f.def = string(v)
			}
		case o.name == "json_name" && !o.paren:
			f.jsonName, _ = o.value.(string)
		default:
			f.options = append(f.options, o)
		}
	}
}

func (r *astReader) compact(n *ast.CompactOptionsNode) []optionDef {
	var out []optionDef
	for _, o := range n.GetElements() {
		out = append(out, r.option(o))
	}
	return out
}

func (r *astReader) enum(n *ast.EnumNode) *enumDef {
	e := &enumDef{name: n.Name.Val}
	for _, d := range n.Decls {
		switch d := d.(type) {
		case *ast.EnumValueNode:
			number, ok := d.Number.AsInt64()
			if !ok || number < math.MinInt32 || number > math.MaxInt32 {
				r.fail("the number of %s.%s is too large", e.name, d.Name.Val)
			}
			e.values = append(e.values, enumValueDef{d.Name.Val, int32(number), r.compact(d.Options)}) // #nosec G115 -- in range
		case *ast.OptionNode:
			e.options = append(e.options, r.option(d))
		case *ast.ReservedNode:
			e.reserved = append(e.reserved, r.source(d))
		}
	}
	return e
}

// option reads one option. A name of several parts becomes messages in messages, so
// that a.b = 1 and a = {b: 1} are alike.
func (r *astReader) option(n *ast.OptionNode) optionDef {
	parts := n.Name.Parts
	value := r.value(n.Val, 0)
	for i := len(parts) - 1; i > 0; i-- {
		value = []pair{{reference(parts[i]), value}}
	}
	return optionDef{strings.TrimPrefix(string(parts[0].Name.AsIdentifier()), "."), parts[0].Open != nil, value}
}

func reference(n *ast.FieldReferenceNode) string {
	name := string(n.Name.AsIdentifier())
	if n.URLPrefix != nil {
		name = string(n.URLPrefix.AsIdentifier()) + "/" + name
	}
	if n.Open != nil {
		return "[" + name + "]"
	}
	return name
}

func (r *astReader) value(n ast.ValueNode, depth int) any {
	if depth > maxDepth {
		r.err = errDeep
		return nil
	}
	switch v := n.Value().(type) {
	case string:
		return v
	case ast.Identifier:
		return word(v)
	case int64:
		return word(strconv.FormatInt(v, 10))
	case uint64:
		return word(strconv.FormatUint(v, 10))
	case float64:
		return word(strings.ReplaceAll(r.source(n), " ", ""))
	case bool:
		return word(strconv.FormatBool(v))
	case []ast.ValueNode:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = r.value(e, depth+1)
		}
		return out
	case []*ast.MessageFieldNode:
		out := make([]pair, len(v))
		for i, e := range v {
			out[i] = pair{reference(e.Name), r.value(e.Val, depth+1)}
		}
		return out
	}
	return nil
}
