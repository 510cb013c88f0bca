"""What ``bench.client`` measures with: a scripted Motion Server, a sound device, a surface that remembers."""
