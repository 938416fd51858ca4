module guichet-examples

go 1.19

require (
	github.com/nats-io/nats.go v1.22.1
	golang.org/x/mod v0.7.0
)
