package standard

import (
	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/converters/avro"
	"github.com/moldau-io/moldau/converters/bytes"
	"github.com/moldau-io/moldau/converters/header"
	"github.com/moldau-io/moldau/converters/json"
	"github.com/moldau-io/moldau/converters/jsonschema"
	"github.com/moldau-io/moldau/converters/numbers"
	"github.com/moldau-io/moldau/converters/protobuf"
	"github.com/moldau-io/moldau/converters/registry"
	"github.com/moldau-io/moldau/converters/text"
	"github.com/moldau-io/moldau/plugins"
)

// converters are the converters and header converters that ship.
func converters() []plugins.Plugin {
	var out []plugins.Plugin
	both := func(class, version string, converter, headerConverter func() connect.Configured) {
		out = append(out,
			plugins.Plugin{Kind: plugins.Converter, Class: class, Version: version, New: converter},
			plugins.Plugin{Kind: plugins.HeaderConverter, Class: class, Version: version, New: headerConverter})
	}
	both(json.Class, connect.Version,
		func() connect.Configured { return json.New() }, func() connect.Configured { return json.NewHeader() })
	both(text.Class, connect.Version,
		func() connect.Configured { return text.New() }, func() connect.Configured { return text.NewHeader() })
	both(bytes.Class, connect.Version,
		func() connect.Configured { return bytes.New() }, func() connect.Configured { return bytes.NewHeader() })
	for _, t := range numbers.Types() {
		both(t.Class, connect.Version,
			func() connect.Configured { return t.New() }, func() connect.Configured { return t.NewHeader() })
	}
	out = append(out,
		plugins.Plugin{Kind: plugins.Converter, Class: avro.Class, Version: registry.Version, New: func() connect.Configured { return avro.New() }},
		plugins.Plugin{Kind: plugins.Converter, Class: protobuf.Class, Version: registry.Version, New: func() connect.Configured { return protobuf.New() }},
		plugins.Plugin{Kind: plugins.Converter, Class: jsonschema.Class, Version: registry.Version, New: func() connect.Configured { return jsonschema.New() }})
	return append(out, plugins.Plugin{
		Kind: plugins.HeaderConverter, Class: header.Class, Version: connect.Version,
		New: func() connect.Configured { return header.NewSimple() },
	})
}
