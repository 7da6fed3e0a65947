"""What kinds do beyond the table of kinds (业务效力), one file per family; importing this package registers them all."""

from workflow_service.effects import admission, attendance, record, schools, stage_end

__all__ = ["admission", "attendance", "record", "schools", "stage_end"]
