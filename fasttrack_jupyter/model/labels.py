"""What a form writes beside each field: labels in sentence case, and help where the model itself has none.

By definition of the schema (``Pipeline`` is the whole), then by key as it is written in YAML. A test says
that every key of the schema is here, and that nothing else is.
"""

from __future__ import annotations

TITLES: dict[str, dict[str, str]] = {
    "Pipeline": {
        "name": "Name", "version": "Version", "description": "Description", "ownership": "Ownership",
        "environment": "Environment", "resources": "Resources", "resource_opts": "Resource options",
        "mounts": "Mounts", "params": "Parameters", "files": "Code files", "cache": "Reuse results",
        "after": "After pipelines", "tasks": "Tasks",
    },
    "Task": {
        "name": "Name", "description": "Description", "type": "Type", "backend": "Backend",
        "cluster_mode": "Cluster mode",
        "cluster_size": "Cluster size", "run_on": "Run on", "launcher": "Launcher", "module_uri": "Repository",
        "command": "Command",
        "environment": "Environment", "resources": "Resources", "resource_opts": "Resource options",
        "dependencies": "Dependencies", "mounts": "Mounts", "skip": "Skip",
        "when": "When", "run_if": "Run if", "final": "Final task", "cache": "Reuse results",
        "files": "Code that it reads", "side_effects": "Has side effects",
        "continue_on_failure": "Continue on failure", "retry": "Retry", "timeout": "Timeout", "inputs": "Inputs",
        "outputs": "Outputs", "service": "Service", "approval": "Question",
        "notebook": "Notebook", "parameters": "Parameters",
        "for_each": "For each", "tasks": "Tasks inside",
    },
    "ForEach": {"item": "Items", "max_parallel": "At a time"},
    "After": {"pipeline": "Pipeline", "within": "Within", "wait": "Longest wait"},
    "Launcher": {
        "preset": "Preset", "processes_per_node": "Processes per container", "start_within": "Start within",
        "port": "Port",
    },
    "Approval": {"question": "Question", "fields": "Fields", "on_timeout": "Without an answer"},
    "Environment": {
        "project": "Project", "scaling-group": "Resource group", "image": "Image", "envs": "Environment variables",
    },
    "InputSpec": {"from": "From", "type": "Type", "description": "Description"},
    "OutputSpec": {
        "type": "Type", "path": "Path", "description": "Description", "metadata": "Metadata", "register": "Register as",
        "from": "From",
    },
    "Ownership": {
        "domain": "Domain", "domain_name": "Domain name", "scope": "Scope", "group_name": "Project",
    },
    "Parameter": {
        "name": "Name", "type": "Type", "default": "Default", "required": "Required",
        "description": "Description", "choices": "Choices",
    },
    "ResourceOptions": {"shmem": "Shared memory"},
    "Retry": {"max_attempts": "Attempts in all", "delay": "Delay", "backoff": "Backoff factor"},
    "Service": {
        "name": "Name", "model": "Model folder", "model_mount_destination": "Mount point",
        "model_definition_path": "Model definition", "runtime_variant": "Runtime", "replicas": "Replicas",
        "open_to_public": "Open to public", "ephemeral": "Ephemeral", "max_surge": "Extra sessions",
        "max_unavailable": "Missing sessions",
    },
    "resources": {
        "cpu": "CPU cores", "mem": "Memory", "memory": "Memory", "cuda.device": "GPUs", "cuda.shares": "GPU shares",
    },
}  # fmt: skip

HELP: dict[str, dict[str, str]] = {
    "Pipeline": {"description": "What the pipeline is for, in your own words"},
    "Task": {
        "description": "What the task is for, in your own words",
        "timeout": "Longest time of one attempt, from its start: seconds, or 1h30m; empty is no limit",
        "mounts": "Folders (vfolders) to mount: name (at /home/work/name) or name:alias",
        "cluster_size": "How many containers the session has",
    },
    "InputSpec": {"description": "What it is for, in your own words"},
    "OutputSpec": {
        "type": "int, float, str, bool, list or struct for a value; else an artifact: File, Folder, Dataset, Model …",
        "path": "Where the task writes it, within its output folder; its name if empty",
        "description": "What it is, in your own words",
        "metadata": "Anything to keep with it",
        "register": "Of a Model: the name in the model registry of which each success makes a new version",
    },
    "Parameter": {
        "name": "Letters, digits and _; in expressions it is params.<name>",
        "type": "int, float, str, bool, list or struct",
        "default": "The value where none is given",
        "required": "Whether a value must be given; by default it must where there is no default",
        "description": "What it means, in your own words",
        "choices": "The only values that are possible; empty is any",
    },
    "Retry": {"delay": "Wait before the second attempt: seconds, or 5m"},
    "resources": {
        "mem": "A number and a unit (k, m, g, t), such as 512m or 16g",
        "cpu": "How many; fractions such as 0.5 are possible on this machine",
        "cuda.device": "How many whole GPUs",
    },
}
