"""Boot proof: an installer is booted in QEMU and watched until it registers, or until one knows why it does not."""
