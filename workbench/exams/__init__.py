"""Exams: one file each; the folder is the registry. `workbench eval RUN --exam NAME` takes one."""
