"""What happens: decisions (machine, plan, admission), then actions (runner, service)."""
