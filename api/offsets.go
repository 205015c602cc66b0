package api

import (
	"encoding/json"
	"net/http"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

type offsetBody struct {
	Partition any `json:"partition"`
	Offset    any `json:"offset"`
}

type offsetsBody struct {
	Offsets []offsetBody `json:"offsets"`
}

type messageBody struct {
	Message string `json:"message"`
}

func (a *API) getOffsets(r *http.Request) (int, any, error) {
	offsets, err := a.o.Herder.Offsets(r.Context(), param(r, "connector"))
	if err != nil {
		return 0, nil, err
	}
	out := offsetsBody{[]offsetBody{}}
	for _, o := range offsets {
		out.Offsets = append(out.Offsets, offsetBody{fromMap(o.Partition), fromMap(o.Offset)})
	}
	return http.StatusOK, out, nil
}

func (a *API) alterOffsets(r *http.Request, body []byte) (int, any, error) {
	var given struct {
		Offsets []struct {
			Partition map[string]any `json:"partition"`
			Offset    map[string]any `json:"offset"`
		} `json:"offsets"`
	}
	err := decode(body, func(d *json.Decoder) error {
		d.DisallowUnknownFields()
		return d.Decode(&given)
	})
	if err != nil {
		return 0, nil, err
	}
	if isNothing(body) {
		return 0, nil, errs.New(errs.ClassNullPointer, "The request's body is null")
	}
	if len(given.Offsets) == 0 {
		return 0, nil, badRequest("Partitions / offsets need to be provided for an alter offsets request")
	}
	offsets := make([]connect.PartitionOffset, len(given.Offsets))
	for i, o := range given.Offsets {
		offsets[i] = connect.PartitionOffset{Partition: toMap(o.Partition), Offset: toMap(o.Offset)}
	}
	return a.modifyOffsets(r, offsets)
}

func (a *API) resetOffsets(r *http.Request, _ []byte) (int, any, error) {
	return a.modifyOffsets(r, nil)
}

func (a *API) modifyOffsets(r *http.Request, offsets []connect.PartitionOffset) (int, any, error) {
	message, err := a.o.Herder.ModifyOffsets(r.Context(), param(r, "connector"), offsets)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, messageBody{message}, nil
}
