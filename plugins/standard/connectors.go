package standard

import (
	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connectors/datagen"
	"github.com/moldau-io/moldau/connectors/elasticsearch"
	"github.com/moldau-io/moldau/connectors/file"
	"github.com/moldau-io/moldau/connectors/sse"
	"github.com/moldau-io/moldau/plugins"
)

// connectors are the sources and sinks that ship.
func connectors() []plugins.Plugin {
	return []plugins.Plugin{
		{Kind: plugins.Source, Class: file.SourceClass, Version: connect.Version, New: func() connect.Configured { return file.NewSource() }},
		{Kind: plugins.Sink, Class: file.SinkClass, Version: connect.Version, New: func() connect.Configured { return file.NewSink() }},
		{Kind: plugins.Source, Class: datagen.Class, Version: connect.Version, New: func() connect.Configured { return datagen.New() }},
		{Kind: plugins.Source, Class: sse.Class, Aliases: []string{sse.Alias}, Version: sse.Version, New: func() connect.Configured { return sse.New() }},
		{Kind: plugins.Sink, Class: elasticsearch.Class, Aliases: []string{elasticsearch.Alias}, Version: elasticsearch.Version, New: func() connect.Configured { return elasticsearch.New() }},
	}
}
