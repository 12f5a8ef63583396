"""Other gateways over the same upstreams, each as a competent user of its tools would write it."""
