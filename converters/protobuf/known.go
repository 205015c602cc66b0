package protobuf

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/apipb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/sourcecontextpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/typepb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

//go:embed proto
var protoFiles embed.FS

// Files that each schema may import.
const (
	decimalFile   = "confluent/type/decimal.proto"
	dateFile      = "google/type/date.proto"
	timeFile      = "google/type/timeofday.proto"
	timestampFile = "google/protobuf/timestamp.proto"
	wrappersFile  = "google/protobuf/wrappers.proto"
)

// Messages with a meaning of their own in Connect.
const (
	decimalType   = "confluent.type.Decimal"
	dateType      = "google.type.Date"
	timeType      = "google.type.TimeOfDay"
	timestampType = "google.protobuf.Timestamp"
	doubleWrapper = "google.protobuf.DoubleValue"
	floatWrapper  = "google.protobuf.FloatValue"
	int64Wrapper  = "google.protobuf.Int64Value"
	uint64Wrapper = "google.protobuf.UInt64Value"
	int32Wrapper  = "google.protobuf.Int32Value"
	uint32Wrapper = "google.protobuf.UInt32Value"
	boolWrapper   = "google.protobuf.BoolValue"
	stringWrapper = "google.protobuf.StringValue"
	bytesWrapper  = "google.protobuf.BytesValue"
)

// knownFile is the file that defines one of the messages above, or empty.
func knownFile(typ string) string {
	switch typ {
	case decimalType:
		return decimalFile
	case dateType:
		return dateFile
	case timeType:
		return timeFile
	case timestampType:
		return timestampFile
	}
	if isWrapper(typ) {
		return wrappersFile
	}
	return ""
}

func isWrapper(typ string) bool {
	switch typ {
	case doubleWrapper, floatWrapper, int64Wrapper, uint64Wrapper, int32Wrapper, uint32Wrapper, boolWrapper, stringWrapper, bytesWrapper:
		return true
	}
	return false
}

// library holds the files that are there without being registered. It is for one
// goroutine.
type library struct{ files map[string]*fileDef }

// known returns a file that each schema may import, or nil.
func (l *library) known(name string) *fileDef {
	if f, ok := l.files[name]; ok {
		return f
	}
	f := load(name)
	if l.files == nil {
		l.files = map[string]*fileDef{}
	}
	l.files[name] = f
	return f
}

func load(name string) *fileDef {
	if d := compiled(name); d != nil {
		f, err := fromDescriptor(protodesc.ToFileDescriptorProto(d))
		if err != nil {
			return nil
		}
		withJSONNames(f)
		return f
	}
	text, err := protoFiles.ReadFile("proto/" + name)
	if err != nil {
		return nil
	}
	f, err := parseText(string(text))
	if err != nil {
		panic(fmt.Sprintf("protobuf: %s, which is part of this package, does not parse: %v", name, err))
	}
	f.options = javaOrder(f.options)
	return f
}

func compiled(name string) protoreflect.FileDescriptor {
	switch strings.TrimPrefix(name, "google/protobuf/") {
	case "any.proto":
		return anypb.File_google_protobuf_any_proto
	case "api.proto":
		return apipb.File_google_protobuf_api_proto
	case "descriptor.proto":
		return descriptorpb.File_google_protobuf_descriptor_proto
	case "duration.proto":
		return durationpb.File_google_protobuf_duration_proto
	case "empty.proto":
		return emptypb.File_google_protobuf_empty_proto
	case "field_mask.proto":
		return fieldmaskpb.File_google_protobuf_field_mask_proto
	case "source_context.proto":
		return sourcecontextpb.File_google_protobuf_source_context_proto
	case "struct.proto":
		return structpb.File_google_protobuf_struct_proto
	case "timestamp.proto":
		return timestamppb.File_google_protobuf_timestamp_proto
	case "type.proto":
		return typepb.File_google_protobuf_type_proto
	case "wrappers.proto":
		return wrapperspb.File_google_protobuf_wrappers_proto
	}
	return nil
}

// withJSONNames writes out the JSON names, as the files that come with Java's library do.
func withJSONNames(f *fileDef) {
	var walk func(messages []*messageDef)
	walk = func(messages []*messageDef) {
		for _, m := range messages {
			for _, f := range m.fields {
				if f.jsonName == "" {
					f.jsonName = camel(f.name)
				}
			}
			walk(m.messages)
		}
	}
	walk(f.messages)
}

func camel(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == '_':
		case i > 0 && name[i-1] == '_':
			b.WriteString(upper(name[i : i+1]))
		default:
			b.WriteByte(name[i])
		}
	}
	return b.String()
}

// fileOptions are the options of files in the order in which Confluent prints them.
var fileOptions = []string{
	"java_package", "java_outer_classname", "java_multiple_files", "java_generate_equals_and_hash", "java_string_check_utf8",
	"optimize_for", "go_package", "cc_generic_services", "java_generic_services", "py_generic_services", "deprecated",
	"cc_enable_arenas", "objc_class_prefix", "csharp_namespace", "swift_prefix", "php_class_prefix", "php_namespace",
	"php_metadata_namespace", "ruby_package",
}

func javaOrder(options []optionDef) (out []optionDef) {
	for _, name := range fileOptions {
		if v, ok := find(options, name); ok {
			out = append(out, optionDef{name: name, value: v})
		}
	}
	return out
}

// fromDescriptor makes definitions of a descriptor. Of options it knows those of files,
// and those that change how data is read.
func fromDescriptor(d *descriptorpb.FileDescriptorProto) (*fileDef, error) {
	f := &fileDef{syntax: d.GetSyntax(), pkg: d.GetPackage()}
	public := map[int32]bool{}
	for _, i := range d.GetPublicDependency() {
		public[i] = true
	}
	for i, name := range d.GetDependency() {
		if public[int32(i)] { // #nosec G115 -- a count
			f.public = append(f.public, name)
		} else {
			f.imports = append(f.imports, name)
		}
	}
	if o := d.GetOptions().ProtoReflect(); o.IsValid() {
		for _, name := range fileOptions {
			fd := o.Descriptor().Fields().ByName(protoreflect.Name(name))
			if fd == nil || !o.Has(fd) {
				continue
			}
			var value any
			switch v := o.Get(fd); fd.Kind() {
			case protoreflect.BoolKind:
				value = word(strconv.FormatBool(v.Bool()))
			case protoreflect.EnumKind:
				value = word(d.GetOptions().GetOptimizeFor().String())
			default:
				value = v.String()
			}
			f.options = append(f.options, optionDef{name: name, value: value})
		}
	}
	for _, m := range d.GetMessageType() {
		def, err := messageFrom(m, d.GetSyntax() == proto3, 0)
		if err != nil {
			return nil, err
		}
		f.messages = append(f.messages, def)
	}
	for _, e := range d.GetEnumType() {
		f.enums = append(f.enums, enumFrom(e))
	}
	return f, nil
}

func messageFrom(d *descriptorpb.DescriptorProto, isProto3 bool, depth int) (*messageDef, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	m := &messageDef{name: d.GetName(), mapEntry: d.GetOptions().GetMapEntry()}
	for _, o := range d.GetOneofDecl() {
		m.oneofs = append(m.oneofs, oneofDef{name: o.GetName()})
	}
	for _, f := range d.GetField() {
		if f.GetType() == descriptorpb.FieldDescriptorProto_TYPE_GROUP {
			continue
		}
		def := &fieldDef{name: f.GetName(), number: f.GetNumber(), oneof: -1, proto3: f.GetProto3Optional(), def: f.GetDefaultValue(), hasDef: f.DefaultValue != nil, jsonName: f.GetJsonName()}
		def.typ = f.GetTypeName()
		if def.typ == "" {
			def.typ = strings.ToLower(strings.TrimPrefix(f.GetType().String(), "TYPE_"))
		}
		def.label = strings.ToLower(strings.TrimPrefix(f.GetLabel().String(), "LABEL_"))
		if isProto3 && !def.proto3 && def.label != labelRepeated {
			def.label = ""
		}
		if f.OneofIndex != nil {
			def.oneof = int(f.GetOneofIndex())
			if def.oneof < 0 || def.oneof >= len(m.oneofs) {
				return nil, fmt.Errorf("field %s.%s names a oneof that is not there", m.name, def.name)
			}
		}
		if f.Options != nil && f.Options.Packed != nil {
			def.options = append(def.options, optionDef{name: "packed", value: word(strconv.FormatBool(f.Options.GetPacked()))})
		}
		m.fields = append(m.fields, def)
	}
	for _, n := range d.GetNestedType() {
		def, err := messageFrom(n, isProto3, depth+1)
		if err != nil {
			return nil, err
		}
		m.messages = append(m.messages, def)
	}
	for _, e := range d.GetEnumType() {
		m.enums = append(m.enums, enumFrom(e))
	}
	return m, nil
}

func enumFrom(d *descriptorpb.EnumDescriptorProto) *enumDef {
	e := &enumDef{name: d.GetName()}
	for _, v := range d.GetValue() {
		e.values = append(e.values, enumValueDef{name: v.GetName(), number: v.GetNumber()})
	}
	return e
}
