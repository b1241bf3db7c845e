"""Deploys: bringing a release onto the Machines of an app, and saying how that ended."""
