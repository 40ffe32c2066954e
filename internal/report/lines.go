// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// logFailure logs what does not work: reading, delivering or storing. A failure of the backend or the disk is
// not reported as a failure of the API.
func (h *Health) logFailure(info cause.Info, fields []zap.Field) {
	switch {
	case info.Cause == cause.Pipeline:
		h.Logger.Warn("Cannot deliver records to the pipeline; retrying. Nothing is lost", fields...)
	case info.Cause == cause.Storage:
		h.Logger.Warn("Cannot read or write the position; retrying. Nothing is lost", fields...)
	case info.NeedsPerson:
		h.Logger.Error("Cannot read the audit log: action required. Resumes automatically once fixed; nothing is lost", fields...)
	default:
		h.Logger.Warn("Cannot read the audit log; retrying. Nothing is lost", fields...)
	}
}

// logEnd logs that the reported problem is over.
func (h *Health) logEnd(fields []zap.Field) {
	switch h.reported {
	case cause.Pipeline:
		h.Logger.Info("Delivering records works again", fields...)
	case cause.Storage:
		h.Logger.Info("Reading and writing the position works again", fields...)
	default:
		h.Logger.Info("Reading the audit log works again", fields...)
	}
}
