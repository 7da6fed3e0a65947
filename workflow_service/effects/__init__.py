"""What kinds do beyond the table of kinds (业务效力), a file per family; importing this package registers them all."""

from workflow_service.effects import admission, attendance, record, releasing, reversing, schools, stage_end

__all__ = ["admission", "attendance", "record", "releasing", "reversing", "schools", "stage_end"]
