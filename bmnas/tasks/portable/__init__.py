"""What of a task a trained network takes along, so that it can be used where neither its data nor its cache is."""

from bmnas.tasks.portable.bundle import Bundle, bundle_of
from bmnas.tasks.portable.record import SUFFIX, TaskRecord, read_record
from bmnas.tasks.portable.recorded import RecordedTask
from bmnas.tasks.portable.restored import restored_backbones

__all__ = ["SUFFIX", "Bundle", "RecordedTask", "TaskRecord", "bundle_of", "read_record", "restored_backbones"]
