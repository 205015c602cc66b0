package file

import (
	"github.com/moldau-io/moldau/connect/configdef"
)

// Names of the settings.
const (
	keyFile  = "file"
	keyTopic = "topic"
	keyBatch = "batch.size"
)

// Names in source partitions and offsets.
const (
	filenameField = "filename"
	positionField = "position"
)

const defaultBatch = 2000

func sourceDef() *configdef.Def {
	return configdef.New(
		configdef.Optional(keyFile, configdef.String, nil, configdef.High,
			"Source filename. If not specified, the standard input will be used"),
		configdef.Required(keyTopic, configdef.String, configdef.High,
			"The topic to publish data to").WithValidator(configdef.NonEmptyString()),
		configdef.Optional(keyBatch, configdef.Int, defaultBatch, configdef.Low,
			"The maximum number of records the source task can read from the file each time it is polled"),
	)
}

func sinkDef() *configdef.Def {
	return configdef.New(
		configdef.Optional(keyFile, configdef.String, nil, configdef.High,
			"Destination filename. If not specified, the standard output will be used"),
	)
}
