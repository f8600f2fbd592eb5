"""Records of other trainers as read-only runs, one file per format; `import_run` finds the right one."""
