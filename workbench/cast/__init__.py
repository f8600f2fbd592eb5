"""The cast: models that rewards may ask beside the policy; one file each, the folder is the registry."""
