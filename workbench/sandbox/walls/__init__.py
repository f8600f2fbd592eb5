"""What keeps a process in: namespaces by bubblewrap, system calls by seccomp."""
