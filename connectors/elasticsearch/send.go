package elasticsearch

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// reportingClass is the exception that the known connector reports records with.
const reportingClass = "io.confluent.connect.elasticsearch.ElasticsearchClient$ReportingException"

// deliver sends items, whose lines are in buf, until each is settled: again and again
// all of them after a request that failed, and after one that went through those
// that may still succeed. An error is what the task is to fail with.
func (b *bulker) deliver(buf []byte, items []item) error {
	body := pick(buf, items)
	for attempt := 1; ; attempt++ {
		answer, err := b.request(body)
		switch {
		case err == nil:
			again, failed, settleErr := b.outcome(items, answer)
			if settleErr != nil {
				return settleErr
			}
			if len(again) == 0 {
				return nil
			}
			items, err = again, failed
			body = pick(buf, items)
		case b.closing.Err() != nil:
			return err
		case splits(err) && len(items) > 1:
			// One document too many, or one that Elasticsearch refuses the request for.
			half := len(items) / 2
			if err := b.deliver(buf, items[:half:half]); err != nil {
				return err
			}
			return b.deliver(buf, items[half:])
		case splits(err):
			return b.refused(items[0], err)
		case !retriable(err):
			return b.bulkFailed(err, attempt)
		}
		if attempt > b.set.retries {
			return b.bulkFailed(err, attempt)
		}
		if attempt == 1 {
			b.retries(1)
			defer b.retries(-1)
		}
		wait := b.client.backoff(attempt)
		b.log.Warn("a bulk request failed; trying again", "cause", err, "records", len(items), "attempt", attempt, "of", b.set.retries+1, "wait", wait)
		if !sleep(b.closing, wait) {
			return b.closing.Err()
		}
	}
}

// pick gathers the lines of items; it copies only where there is a gap.
func pick(buf []byte, items []item) []byte {
	n := 0
	for i := range items {
		n += items[i].to - items[i].from
	}
	if first, last := items[0].from, items[len(items)-1].to; last-first == n {
		return buf[first:last]
	}
	out := make([]byte, 0, n)
	for i := range items {
		out = append(out, buf[items[i].from:items[i].to]...)
	}
	return out
}

// splits says that a request was refused for what is in it.
func splits(err error) bool {
	var status *statusError
	return errors.As(err, &status) && (status.status == http.StatusRequestEntityTooLarge || status.status == http.StatusBadRequest)
}

func (b *bulker) bulkFailed(err error, attempts int) error {
	return errs.Wrap(errs.ClassConnect, b.client.failed("execute bulk request", err, attempts), "Bulk request failed")
}

// bulkAnswer is what is asked for of the answer to a bulk request.
type bulkAnswer struct {
	Errors *bool                    `json:"errors"`
	Items  []map[string]itemOutcome `json:"items"`
}

type itemOutcome struct {
	Status int      `json:"status"`
	Error  *esError `json:"error"`
}

// request sends the lines of a bulk request once.
func (b *bulker) request(body []byte) (*bulkAnswer, error) {
	r := request{method: http.MethodPost, path: "/_bulk", query: "filter_path=errors,items.*.status,items.*.error", kind: ndjsonType, body: body}
	if b.set.compression {
		var err error
		if r.body, err = compress(body); err != nil {
			return nil, err
		}
		r.encoding = "gzip"
	}
	_, data, err := b.client.send(b.ctx, r)
	if err != nil {
		return nil, err
	}
	return parseAnswer(data)
}

func parseAnswer(data []byte) (*bulkAnswer, error) {
	answer := &bulkAnswer{Errors: new(bool)}
	if head := data[:min(len(data), 100)]; bytes.Contains(head, []byte(`"errors":false`)) {
		return answer, nil
	}
	answer.Errors = nil
	if err := json.Unmarshal(data, answer); err != nil {
		return nil, errs.Wrap(errs.ClassConnect, err, "The answer to a bulk request is not JSON")
	}
	if answer.Errors == nil {
		// Not success, whatever it is: a proxy may have answered.
		return nil, errs.Connect("The answer to a bulk request does not say whether there were errors: %.200q", data)
	}
	return answer, nil
}

func compress(body []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(body)/4 + 512)
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// outcome settles what an answer says is done with. It returns the items to send
// again and why, or the error to fail with.
func (b *bulker) outcome(items []item, answer *bulkAnswer) (again []item, why error, err error) {
	if !*answer.Errors {
		b.settle(items)
		return nil, nil, nil
	}
	if len(answer.Items) != len(items) {
		return nil, nil, errs.Connect("Elasticsearch answered a bulk request of %d records with %d outcomes", len(items), len(answer.Items))
	}
	done := make([]item, 0, len(items))
	var repeated map[string]bool // documents of items that are sent again, in ordered mode
	for i := range items {
		it := items[i]
		var result itemOutcome
		for _, o := range answer.Items[i] {
			result = o
		}
		verdict := b.judge(it, result)
		if b.ordered && repeated[it.doc] {
			verdict = verdictAgain // what was written out of turn is written once more
		}
		switch verdict {
		case verdictDone:
			done = append(done, it)
		case verdictAgain:
			again = append(again, it)
			if result.Error != nil && why == nil {
				why = &statusError{status: result.Status, cause: *result.Error}
			}
			if b.ordered {
				if repeated == nil {
					repeated = map[string]bool{}
				}
				repeated[it.doc] = true
			}
		case verdictMalformed:
			switch failed := b.malformed(it, result.Error); {
			case failed == nil:
				done = append(done, it)
			case err == nil:
				err = failed
			}
		case verdictFail:
			if err == nil {
				err = b.indexingFailed(it, result.Error)
			}
		}
	}
	b.settle(done)
	return again, why, err
}

type verdict int

const (
	verdictDone verdict = iota
	verdictAgain
	verdictMalformed
	verdictFail
)

// judge says what to do after an item's outcome.
func (b *bulker) judge(it item, o itemOutcome) verdict {
	switch {
	case o.Error == nil && o.Status == 0:
		return verdictFail
	case o.Error == nil:
		return verdictDone
	case o.malformed():
		return verdictMalformed
	case o.Status == http.StatusConflict:
		switch {
		case it.written.external:
			// This record, or a later one, was written before.
			return verdictDone
		case b.set.stream:
			// A data stream takes each document once: it is there.
			return verdictDone
		}
		return verdictAgain
	case retriableStatus(o.Status):
		return verdictAgain
	}
	return verdictFail
}

// malformed says that a document was rejected for what is in it.
func (o itemOutcome) malformed() bool {
	text := o.Error.String()
	return slices.ContainsFunc([]string{
		"strict_dynamic_mapping_exception", "mapper_parsing_exception", "illegal_argument_exception",
		"action_request_validation_exception", "document_parsing_exception",
	}, func(name string) bool { return strings.Contains(text, name) })
}

func (b *bulker) settle(items []item) {
	tokens := make([]token, len(items))
	for i := range items {
		tokens[i] = items[i].token
	}
	b.track.settle(tokens...)
}

// report hands a record to the dead letter queue, if there is one, and waits until
// it is there.
func (b *bulker) report(r *connect.Record, err error) error {
	if b.errant == nil {
		return nil
	}
	select {
	case err := <-b.errant.Report(r, err):
		return err
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// malformed deals with a document that Elasticsearch rejects, as the policy has it.
func (b *bulker) malformed(it item, cause *esError) error {
	reported := errs.New(reportingClass, "%s", "Indexing failed: "+cause.String())
	if err := b.report(it.record, reported); err != nil {
		return err
	}
	switch b.set.malformed {
	case malformedIgnore:
		b.log.Debug("ignoring a record that Elasticsearch rejects", "record", place(it.record), "cause", cause)
		return nil
	case malformedWarn:
		b.log.Warn("ignoring a record that Elasticsearch rejects", "record", place(it.record), "cause", cause)
		return nil
	}
	return errs.Wrap(errs.ClassConnect, reported, "Indexing record failed. Please check DLQ topic for errors.").
		WithHint("%s into %s; to ignore such records set %s=%s or %s", place(it.record), it.target.resource, keyMalformed, malformedWarn, malformedIgnore)
}

// indexingFailed is the error of an item that failed for good.
func (b *bulker) indexingFailed(it item, cause *esError) error {
	if cause == nil {
		return errs.Connect("The answer to a bulk request does not say what became of the %s", place(it.record))
	}
	reported := errs.New(reportingClass, "%s", "Indexing failed: "+cause.String())
	if err := b.report(it.record, reported); err != nil {
		return err
	}
	return errs.Wrap(errs.ClassConnect, reported, "Indexing record failed. Please check DLQ topic for errors.").
		WithHint("%s into %s", place(it.record), it.target.resource)
}

// refused deals with a single record for which Elasticsearch refuses a request.
func (b *bulker) refused(it item, err error) error {
	cause := &esError{Type: "request_refused", Reason: err.Error()}
	var status *statusError
	if errors.As(err, &status) && status.cause.Type != "" {
		cause = &status.cause
	}
	if status != nil && status.status == http.StatusRequestEntityTooLarge {
		cause = &esError{Type: "request_entity_too_large", Reason: "the document is larger than Elasticsearch takes (http.max_content_length)"}
	}
	if err := b.malformed(it, cause); err != nil {
		return err
	}
	b.settle([]item{it})
	return nil
}
