package kineto

// maxDevices bounds deviceProperties.
const maxDevices = 4096

// Keys beside traceEvents, of a device and of distributedInfo. They share the type of
// the event fields and follow them.
const (
	metaEvents field = iota + fieldCount
	metaSchema
	metaName
	metaDevices
	metaDistributed
	metaStack
	metaShapes
	metaROCm
	metaBase

	deviceID
	deviceName
	deviceMajor
	deviceMinor
	deviceSMs
	deviceMemory

	distRank
	distWorld
	distBackend
	distGroups
)

func traceField(key []byte) field {
	switch string(key) {
	case "traceEvents":
		return metaEvents
	case "schemaVersion":
		return metaSchema
	case "traceName":
		return metaName
	case "deviceProperties":
		return metaDevices
	case "distributedInfo":
		return metaDistributed
	case "with_stack":
		return metaStack
	case "record_shapes":
		return metaShapes
	case "roctracer_version", "hip_runtime_version", "hip_driver_version":
		return metaROCm
	case "baseTimeNanoseconds":
		return metaBase
	}
	return fieldNone
}

func (s *scanner) traceMember(f field) (err error) {
	m := &s.t.Meta
	c := s.buf[s.pos]
	switch f {
	case metaEvents:
		if c != '[' {
			return s.bad("an array of events")
		}
		if s.seen {
			if err := s.note(`one "traceEvents" only (both are read)`); err != nil {
				return err
			}
		}
		s.seen = true
		s.pos++
		return s.events(false)
	case metaSchema:
		m.SchemaVersion, err = s.integerValue(0)
	case metaName:
		m.TraceName, err = s.textValue()
	case metaStack:
		m.WithStack, err = s.truthValue()
	case metaShapes:
		m.RecordShapes, err = s.truthValue()
	case metaBase:
		m.BaseTimeNanos, err = s.integerValue(0)
	case metaDevices:
		m.Devices = nil
		if c != '[' {
			return s.skipValue()
		}
		return s.elements(s.device)
	case metaDistributed:
		m.Rank, m.WorldSize, m.Backend = -1, 0, ""
		s.t.Groups, s.groupRanks = nil, 0
		if c != '{' {
			return s.skipValue()
		}
		s.pos++
		return s.members(distField, s.distMember, false)
	case metaROCm:
		m.ROCm = true
		return s.skipValue()
	default:
		return s.skipValue()
	}
	return err
}

func (s *scanner) skipValue() error {
	_, err := s.value(0, nil)
	return err
}

func deviceField(key []byte) field {
	switch string(key) {
	case "id":
		return deviceID
	case "name":
		return deviceName
	case "computeMajor":
		return deviceMajor
	case "computeMinor":
		return deviceMinor
	case "numSms":
		return deviceSMs
	case "totalGlobalMem":
		return deviceMemory
	}
	return fieldNone
}

func (s *scanner) device() error {
	if s.buf[s.pos] != '{' || len(s.t.Meta.Devices) == maxDevices {
		return s.skipValue()
	}
	var d Device
	s.pos++
	err := s.members(deviceField, func(f field) (err error) {
		switch f {
		case deviceID:
			d.ID, err = s.integerValue(0)
		case deviceName:
			d.Name, err = s.textValue()
		case deviceMajor:
			d.Major, err = s.integerValue(0)
		case deviceMinor:
			d.Minor, err = s.integerValue(0)
		case deviceSMs:
			d.SMs, err = s.integerValue(0)
		case deviceMemory:
			d.Memory, err = s.integerValue(0)
		default:
			err = s.skipValue()
		}
		return err
	}, false)
	if err == nil {
		s.t.Meta.Devices = append(s.t.Meta.Devices, d)
	}
	return err
}

func distField(key []byte) field {
	switch string(key) {
	case "rank":
		return distRank
	case "world_size":
		return distWorld
	case "backend":
		return distBackend
	case "pg_config":
		return distGroups
	}
	return fieldNone
}

func (s *scanner) distMember(f field) (err error) {
	m := &s.t.Meta
	switch f {
	case distRank:
		m.Rank, err = s.integerValue(-1)
	case distWorld:
		m.WorldSize, err = s.integerValue(0)
	case distBackend:
		m.Backend, err = s.textValue()
	case distGroups:
		if s.buf[s.pos] != '[' {
			return s.skipValue()
		}
		return s.elements(s.group)
	default:
		err = s.skipValue()
	}
	return err
}
