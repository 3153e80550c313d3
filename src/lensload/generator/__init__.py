"""The process that makes and sends events when they are due. It never reads one back."""
