"""What belongs to an app beside its Machines: volumes, secrets, certificates, addresses."""
